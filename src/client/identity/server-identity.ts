import { deadline, type Environment } from '../../base/environment.ts';
import { isResultResponse } from '../../protocol/message.ts';
import type { SessionHealth } from '../session/health.ts';
import type { Session } from '../session/session.ts';
import type { SessionOpener } from '../session/session-opener.ts';
import type { ListComparison } from './list-comparison.ts';

/** How long a server may take to say who it is, in ms; then it counts as the one that it was. */
const TIMEOUT_MS = 2000;

/**
 * Asks a server that looks at no session ids, once after each outage, who it is. Where ids are looked at, another
 * server shows by not knowing the one that is held; here nothing shows, and every request would be answered.
 */
export class ServerIdentity {
  readonly #environment: Environment;
  readonly #health: SessionHealth;
  readonly #opener: SessionOpener;
  readonly #comparison: ListComparison;
  readonly #asked = new WeakMap<Session, { readonly outages: number; readonly done: Promise<void> }>();

  constructor(
    environment: Environment,
    health: SessionHealth,
    opener: SessionOpener,
    comparison: ListComparison,
  ) {
    this.#environment = environment;
    this.#health = health;
    this.#opener = opener;
    this.#comparison = comparison;
  }

  /** Resolves when the server has said who it is, need not, or has not in time. Never rejects. */
  confirm(session: Session): Promise<void> {
    const asked = this.#asked.get(session);
    if (asked?.outages === session.outages) return asked.done;
    const done = this.#ask(session).catch(() => {});
    this.#asked.set(session, { outages: session.outages, done });
    return done;
  }

  async #ask(session: Session): Promise<void> {
    const limit = deadline(this.#environment.clock, TIMEOUT_MS, session.ended.signal);
    try {
      if (await this.#looksAtIds(session, limit.signal)) return;
      const found = await this.#opener.again(session, limit.signal);
      if (found === 'session') this.#health.reportLost(session, 'a server that keeps sessions answers now');
      if (found === 'other') void this.#comparison.compare(session);
    } finally {
      limit.release();
    }
  }

  /** By a ping under an id that no server gave: to open a session there for the question alone would leave it behind. */
  async #looksAtIds({ negotiated, wire }: Session, signal: AbortSignal): Promise<boolean> {
    if (negotiated.sessionId === undefined) return false;
    const { newId } = this.#environment;
    const stray = this.#health.canBeAsked ? wire.underId?.(`nobody-${newId()}`) : undefined;
    const outcome = await stray?.request({ jsonrpc: '2.0', id: newId(), method: 'ping' }, { signal });
    return !(outcome?.kind === 'answered' && isResultResponse(outcome.response));
  }
}
