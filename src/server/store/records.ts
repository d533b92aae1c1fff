import type { Clock } from '../../base/environment.ts';
import { type Handshake, parseHandshake } from '../../endpoint/handshake.ts';
import { describeError } from '../../protocol/errors.ts';
import type { SessionSettings, SettingsSnapshot } from '../../protocol/session-settings.ts';
import { digest } from '../ids/session-key.ts';
import type { SessionStore } from './store.ts';

/**
 * Maximum number of subscriptions of one session that are replayed when it is restored. Further ones are not.
 */
export const MAX_SUBSCRIPTIONS = 1000;

/** How long a store that timed out is not waited for, in ms. */
const AWAY_MS = 2000;

export interface RecordsOptions {
  readonly store: SessionStore;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Lifetime of a session's records, in ms. */
  readonly ttlMs: number;
  /** Called for every failed operation. */
  readonly onFailure: (operation: string, why: string) => void;
}

/**
 * The stored data of sessions, keyed by the digests of their ids: an id is a credential, and a store has more
 * readers than a process. No method rejects: a failing store must not break the sessions. An unknown answer
 * defaults to the safe one for the user: not ended, no settings. Writing methods return whether the store has
 * the value.
 */
export class Records {
  readonly #options: RecordsOptions;
  #awayUntil = Number.NEGATIVE_INFINITY;

  constructor(options: RecordsOptions) {
    this.#options = options;
  }

  async isEnded(sessionId: string): Promise<boolean> {
    return (await this.#get('ended', sessionId)) !== undefined;
  }

  markEnded(sessionId: string): Promise<boolean> {
    return this.#set('ended', sessionId, true);
  }

  async handshake(sessionId: string): Promise<Handshake | undefined> {
    return parseHandshake(await this.#get('handshake', sessionId));
  }

  keepHandshake(sessionId: string, handshake: Handshake): Promise<boolean> {
    return this.#set('handshake', sessionId, handshake);
  }

  async settings(sessionId: string): Promise<SettingsSnapshot | undefined> {
    const kept = await this.#get('settings', sessionId);
    if (typeof kept !== 'object' || kept === null) return undefined;
    const { level, subscriptions } = kept as Record<string, unknown>;
    return {
      logLevel: typeof level === 'string' ? level : undefined,
      subscriptions: Array.isArray(subscriptions) ? subscriptions.map((uri) => ({ uri: String(uri) })) : [],
    };
  }

  keepSettings(sessionId: string, { logLevel, uris }: SessionSettings): Promise<boolean> {
    return this.#set('settings', sessionId, { level: logLevel, subscriptions: uris });
  }

  /** The `state` that the server's author has set; undefined when there is none. */
  state(sessionId: string): Promise<unknown> {
    return this.#get('state', sessionId);
  }

  keepState(sessionId: string, state: unknown): Promise<boolean> {
    return this.#set('state', sessionId, state);
  }

  /** The id of the session that replaces an unknown one, still sealed. */
  async alias(unknownId: string): Promise<string | undefined> {
    const kept = await this.#get('alias', unknownId);
    return typeof kept === 'string' ? kept : undefined;
  }

  keepAlias(unknownId: string, sealedId: string, ttlMs: number): Promise<boolean> {
    return this.#set('alias', unknownId, sealedId, ttlMs);
  }

  async #get(kind: string, sessionId: string): Promise<unknown> {
    const act = (store: SessionStore) => store.get(keyOf(kind, sessionId));
    const text = await this.read(`read ${kind}`, undefined, act);
    return text === undefined ? undefined : this.parse(`read ${kind}`, text);
  }

  #set(kind: string, sessionId: string, value: unknown, ttlMs = this.#options.ttlMs): Promise<boolean> {
    const text = JSON.stringify(value) ?? 'null';
    return this.write(`keep ${kind}`, (store) => store.set(keyOf(kind, sessionId), text, ttlMs));
  }

  /** Parses stored JSON. Returns undefined, and reports a failure, for invalid text. */
  parse(operation: string, text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      this.#options.onFailure(operation, 'what the store holds is no JSON; it is taken for not there');
      return undefined;
    }
  }

  /** Reads from the store, within its timeout; `otherwise` when it fails, or has just timed out. */
  read<T>(operation: string, otherwise: T, act: (store: SessionStore) => Promise<T>): Promise<T> {
    if (this.#isAway()) return Promise.resolve(otherwise);
    return this.#attempt(operation, otherwise, act);
  }

  /**
   * Writes to the store. While the store is away, the write is still sent, but not awaited.
   * @returns whether the store has confirmed it
   */
  write(operation: string, act: (store: SessionStore) => Promise<void>): Promise<boolean> {
    if (!this.#isAway()) return this.#attempt(operation, false, (store) => act(store).then(() => true));
    act(this.#options.store).catch(() => {});
    return Promise.resolve(false);
  }

  #isAway(): boolean {
    return this.#options.clock.monotonic() < this.#awayUntil;
  }

  async #attempt<T>(operation: string, otherwise: T, act: (store: SessionStore) => Promise<T>): Promise<T> {
    const { store, onFailure } = this.#options;
    try {
      return await (store.isImmediate ? act(store) : this.#inTime(act));
    } catch (error) {
      onFailure(operation, describeError(error));
      return otherwise;
    }
  }

  async #inTime<T>(act: (store: SessionStore) => Promise<T>): Promise<T> {
    const { store, clock, timeoutMs } = this.#options;
    const late = Promise.withResolvers<never>();
    const giveUp = () => {
      // One request has waited in vain; the following ones need not.
      this.#awayUntil = clock.monotonic() + AWAY_MS;
      late.reject(new Error(`no answer within ${timeoutMs} ms`));
    };
    const cancel = clock.after(timeoutMs, giveUp, { background: true });
    try {
      return await Promise.race([act(store), late.promise]);
    } finally {
      cancel();
    }
  }
}

function keyOf(kind: string, sessionId: string): string {
  return `${kind}:${digest(sessionId)}`;
}

/**
 * Unconfirmed writes of one session: state, settings, a handshake that was too large for the id. Each is
 * retried when the outcome is asked for, since the store may have been away.
 */
export class PendingWrites {
  /** Created on demand: most sessions have none, and there may be many sessions. */
  #writes: Map<string, () => Promise<boolean>> | undefined;

  /** @param write resolves with whether the store has it */
  async keep(what: string, write: () => Promise<boolean>): Promise<void> {
    this.#writes ??= new Map();
    this.#writes.set(what, write);
    const isKept = await write();
    // A newer value may have been set meanwhile, and it is not confirmed by this write.
    if (isKept && this.#writes.get(what) === write) this.#writes.delete(what);
  }

  /**
   * Retries the failed writes.
   * @returns whether the store has everything by now
   */
  async areKept(): Promise<boolean> {
    if (!this.#writes) return true;
    await Promise.all([...this.#writes].map(([what, write]) => this.keep(what, write)));
    return this.#writes.size === 0;
  }
}
