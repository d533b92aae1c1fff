import { ResilientMcpError } from '../../protocol/errors.ts';
import type { LogEntry, LogLimits, MessageBus, SessionStore } from './store.ts';

/**
 * The part of a Redis client that is used; `createClient()` of the package `redis`, version 4 or later, has
 * it. The client must be connected. Its owner closes it, after the manager. Redis 6.2 or later.
 */
export interface RedisClient {
  sendCommand(command: string[]): Promise<unknown>;
  /** A second connection of the same kind: a subscriber can run no other commands. */
  duplicate(): RedisSubscriber;
}

export interface RedisSubscriber {
  connect(): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  subscribe(channel: string, listener: (text: string) => void): Promise<unknown>;
  destroy(): unknown;
}

export interface RedisStoreOptions {
  readonly client: RedisClient;
  /**
   * Prefix of every key and channel. Servers that share a Redis but no sessions need different ones. Default
   * `resilient-mcp:`.
   */
  readonly prefix?: string;
}

/**
 * Keeps everything in Redis, and connects replicas through it: several processes behind a load balancer
 * without affinity act as one server. Persistence over a restart of Redis depends on its configuration;
 * signed ids need none.
 */
export class RedisStore implements SessionStore {
  readonly bus: MessageBus;
  readonly #client: RedisClient;
  readonly #prefix: string;
  #subscriber: Promise<RedisSubscriber> | undefined;

  /** @throws ResilientMcpError `INVALID_CONFIGURATION` for a client that lacks a required method */
  constructor({ client, prefix = 'resilient-mcp:' }: RedisStoreOptions) {
    if (typeof client?.sendCommand !== 'function' || typeof client.duplicate !== 'function') {
      throw new ResilientMcpError(
        'INVALID_CONFIGURATION',
        'client: a Redis client with sendCommand() and duplicate() is needed, as the package "redis" makes.',
      );
    }
    this.#client = client;
    this.#prefix = prefix;
    this.bus = {
      publish: async (channel, text) => Number(await this.#run('PUBLISH', this.#name(channel), text)),
      subscribe: async (channel, listener) => {
        await (await this.#listening()).subscribe(this.#name(channel), (text) => listener(text));
      },
    };
  }

  async get(key: string): Promise<string | undefined> {
    const value = await this.#run('GET', this.#name(key));
    return value === null || value === undefined ? undefined : String(value);
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    await this.#run('SET', this.#name(key), value, 'PX', lifetime(ttlMs));
  }

  async delete(key: string): Promise<void> {
    await this.#run('DEL', this.#name(key));
  }

  async append(log: string, value: string, { maxEntries, ttlMs }: LogLimits): Promise<string> {
    const name = this.#name(log);
    // An approximate limit: Redis drops whole nodes of a stream, which is much cheaper than an exact number.
    const id = await this.#run('XADD', name, 'MAXLEN', '~', String(maxEntries), '*', 'v', value);
    await this.#run('PEXPIRE', name, lifetime(ttlMs));
    return `${id}${markOf(log)}`;
  }

  async readAfter(log: string, after: string): Promise<readonly LogEntry[] | undefined> {
    const mark = markOf(log);
    const id = after.endsWith(mark) ? after.slice(0, -mark.length) : '';
    if (!/^\d+-\d+$/.test(id)) return undefined;
    const found = await this.#run('XRANGE', this.#name(log), id, '+');
    const [from, ...entries] = streamEntries(found);
    if (from?.id !== id) return undefined;
    return entries.map((entry) => ({ ...entry, id: `${entry.id}${mark}` }));
  }

  async close(): Promise<void> {
    (await this.#subscriber?.catch(() => undefined))?.destroy();
    this.#subscriber = undefined;
  }

  /** One connection for all channels. The client reconnects and resubscribes by itself. */
  #listening(): Promise<RedisSubscriber> {
    this.#subscriber ??= this.#connect().catch((error) => {
      // The next attempt starts from scratch.
      this.#subscriber = undefined;
      throw error;
    });
    return this.#subscriber;
  }

  async #connect(): Promise<RedisSubscriber> {
    const subscriber = this.#client.duplicate();
    // Without a listener, a lost connection would end the process.
    subscriber.on('error', () => {});
    await subscriber.connect();
    return subscriber;
  }

  #run(...command: string[]): Promise<unknown> {
    return this.#client.sendCommand(command);
  }

  #name(key: string): string {
    return `${this.#prefix}${key}`;
  }
}

function lifetime(ttlMs: number): string {
  return String(Math.max(1, Math.min(Math.floor(ttlMs), Number.MAX_SAFE_INTEGER / 2)));
}

/** Entries of an XRANGE reply: `[[id, ['v', value]], …]`. */
function streamEntries(reply: unknown): LogEntry[] {
  if (!Array.isArray(reply)) return [];
  return reply.map(([id, fields]: [unknown, unknown[]]) => ({ id: String(id), value: String(fields?.[1]) }));
}

/**
 * Distinguishes the ids of one log from those of another (FNV-1a): Redis counts ids by the millisecond, so
 * two logs may give the same one. It protects no secret: a log is read by its name.
 */
function markOf(log: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(log)) hash = Math.imul(hash ^ byte, 0x01000193);
  return `.${(hash >>> 0).toString(36)}`;
}
