import { createHash } from 'node:crypto';
import type { Clock } from '../../base/environment.ts';
import type { ResumableSession } from '../../client/index.ts';

/**
 * Storage of server sessions across a restart. They are secrets. The shape is close to VS Code's
 * `SecretStorage`.
 */
export interface GatewayMemory {
  /** The text stored under a key; undefined when there is none. */
  recall(key: string): PromiseLike<string | undefined>;
  /** Stores a text, or deletes it when undefined. At most one for each server; up to 256 KiB. */
  remember(key: string, text: string | undefined): PromiseLike<void>;
}

/** Limit of remembered sessions for one server; the oldest are dropped. */
const MAX_SESSIONS = 50;
/** Limit of the stored text for one server, in characters of JSON. */
const MAX_LENGTH = 256 * 1024;

interface Remembered {
  /** Time of the last write, in ms since the epoch. */
  readonly at: number;
  readonly session: ResumableSession;
}

export interface SessionMemoryOptions {
  /** The server's name, the key of its stored text. */
  readonly server: string;
  readonly memory: GatewayMemory;
  readonly clock: Clock;
  /** How long a session may be resumed, in ms. */
  readonly maxAgeMs: number;
  /** Called when the memory fails. Sessions continue, but cannot be resumed later. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Sessions of one server, by client session, for the next gateway. The key is a digest of the client's
 * session id: the id is a credential, and is not needed here.
 */
export class SessionMemory {
  readonly #options: SessionMemoryOptions;
  #loaded: Promise<Map<string, Remembered>> | undefined;
  #writing: Promise<void> | undefined;
  #isChanged = false;

  constructor(options: SessionMemoryOptions) {
    this.#options = options;
  }

  /** The session that an earlier gateway held for a client. */
  async recall(clientSessionId: string): Promise<ResumableSession | undefined> {
    return (await this.#sessions()).get(digest(clientSessionId))?.session;
  }

  /** Stores a session of the server, or deletes it. Resolves when it is written. Never rejects. */
  async keep(clientSessionId: string, session: ResumableSession | undefined): Promise<void> {
    const sessions = await this.#sessions();
    const key = digest(clientSessionId);
    const known = sessions.get(key)?.session;
    if (JSON.stringify(known) === JSON.stringify(session)) return this.#writing;
    sessions.delete(key);
    if (session) sessions.set(key, { at: this.#options.clock.now(), session });
    await this.#write();
  }

  /** Resolves when everything kept is written. */
  async written(): Promise<void> {
    await this.#writing;
  }

  #sessions(): Promise<Map<string, Remembered>> {
    this.#loaded ??= this.#load();
    return this.#loaded;
  }

  async #load(): Promise<Map<string, Remembered>> {
    const { memory, server, clock, maxAgeMs } = this.#options;
    try {
      const text = await memory.recall(keyOf(server));
      const kept: [string, Remembered][] = text === undefined ? [] : JSON.parse(text);
      const oldest = clock.now() - maxAgeMs;
      return new Map(kept.filter(([, { at }]) => at >= oldest));
    } catch (error) {
      this.#options.onFailure(error);
      return new Map();
    }
  }

  /** One write at a time, each with all data known at its start. */
  #write(): Promise<void> {
    this.#isChanged = true;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    const { memory, server, onFailure } = this.#options;
    while (this.#isChanged) {
      this.#isChanged = false;
      const text = textOf(await this.#sessions());
      try {
        await memory.remember(keyOf(server), text);
      } catch (error) {
        onFailure(error);
      }
    }
  }
}

/** As many sessions as fit, the newest first; undefined when none does. */
function textOf(sessions: Map<string, Remembered>): string | undefined {
  const newestFirst = [...sessions].sort(([, a], [, b]) => b.at - a.at).slice(0, MAX_SESSIONS);
  const parts: string[] = [];
  let length = 2;
  for (const each of newestFirst) {
    const part = JSON.stringify(each);
    if (length + part.length + 1 > MAX_LENGTH) continue;
    length += part.length + 1;
    parts.push(part);
  }
  return parts.length === 0 ? undefined : `[${parts.join(',')}]`;
}

function keyOf(server: string): string {
  return `gateway-sessions/${server}`;
}

function digest(clientSessionId: string): string {
  return createHash('sha256').update(clientSessionId).digest('base64url').slice(0, 32);
}
