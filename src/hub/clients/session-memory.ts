import { createHash } from 'node:crypto';
import type { Clock } from '../../base/environment.ts';
import type { ResumableSession } from '../../client/index.ts';

/** Where the sessions of servers are kept over a restart: secrets. VS Code's `SecretStorage` has this shape almost. */
export interface GatewayMemory {
  /** The text that was remembered under a key; undefined when there is none. */
  recall(key: string): PromiseLike<string | undefined>;
  /** Keeps a text, or forgets it when it is undefined. At most one for each server; up to 256 KiB. */
  remember(key: string, text: string | undefined): PromiseLike<void>;
}

/** Sessions of one server that are remembered, the oldest going first. */
const MAX_SESSIONS = 50;
/** All that is remembered of one server, in characters of JSON. */
const MAX_LENGTH = 256 * 1024;

interface Remembered {
  /** When it was remembered last, in ms since the epoch. */
  readonly at: number;
  readonly session: ResumableSession;
}

export interface SessionMemoryOptions {
  /** The name of the server, under which it is all kept as one text. */
  readonly server: string;
  readonly memory: GatewayMemory;
  readonly clock: Clock;
  /** How long a session is worth going on with, in ms. */
  readonly maxAgeMs: number;
  /** Told when the memory fails: sessions then go on, and will not be found again. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * The sessions of one server, by the clients' sessions that they carry, for the gateway that comes after this one. A
 * client's session is named by a digest: its id is a credential too, and this is no place where it is needed.
 */
export class SessionMemory {
  readonly #options: SessionMemoryOptions;
  #loaded: Promise<Map<string, Remembered>> | undefined;
  #writing: Promise<void> | undefined;
  #isChanged = false;

  constructor(options: SessionMemoryOptions) {
    this.#options = options;
  }

  /** What an earlier gateway held for a client. */
  async recall(clientSessionId: string): Promise<ResumableSession | undefined> {
    return (await this.#sessions()).get(digest(clientSessionId))?.session;
  }

  /** Keeps a session of the server, or forgets it. Resolves when that is written. Never rejects. */
  async keep(clientSessionId: string, session: ResumableSession | undefined): Promise<void> {
    const sessions = await this.#sessions();
    const key = digest(clientSessionId);
    const known = sessions.get(key)?.session;
    if (JSON.stringify(known) === JSON.stringify(session)) return this.#writing;
    sessions.delete(key);
    if (session) sessions.set(key, { at: this.#options.clock.now(), session });
    await this.#write();
  }

  /** Resolves when all that was kept is written. */
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

  /** One write at a time, each with all that is known when it begins. */
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

/** As much as fits, the newest first; undefined when that is nothing. */
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
