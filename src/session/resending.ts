import type { Request } from '../protocol/message.ts';
import { type Clock, deadline, sleep } from './environment.ts';
import type { PendingCall } from './pending.ts';
import type { Session } from './session.ts';

/** How long the ping may take that shows whether the server answers on another connection, in ms. */
const ASK_LIMIT_MS = 1000;

/** A wait that takes this much longer than it should, by either clock, has been slept through, in ms. */
const SLEPT_MS = 2000;

export interface ResendingContext {
  readonly clock: Clock;
  readonly newId: () => string;
  /** After how much silence, in ms; 0: never. */
  readonly resendAfterMs: number;
}

/**
 * Notices that a request may wait on a dead connection: nothing is heard of it, and the server answers on another. It
 * looks at requests that may be sent again, on a connection that was used before, or that this machine has slept on;
 * others are at work, as far as anybody can tell.
 */
export class Resending {
  readonly #context: ResendingContext;
  readonly #asking = new WeakMap<Session, Promise<boolean>>();

  constructor(context: ResendingContext) {
    this.#context = context;
  }

  /**
   * Watches the exchange of a call until `signal` aborts, and breaks it off at most once. Never rejects.
   * @param mayResend whether the call may be sent again, which may have to be asked of the server
   */
  async watch(
    call: PendingCall,
    session: Session,
    isUsed: boolean,
    { signal, mayResend }: { readonly signal: AbortSignal; readonly mayResend: () => Promise<boolean> },
  ): Promise<void> {
    const { resendAfterMs } = this.#context;
    if (resendAfterMs <= 0 || call.isResent) return;
    let { heardAt } = call;
    let isDoubtful = isUsed;
    while (!signal.aborted) {
      const hasSlept = await this.#hasSleptOver(resendAfterMs, signal);
      if (call.heardAt !== heardAt) isDoubtful = false;
      heardAt = call.heardAt;
      isDoubtful ||= hasSlept;
      if (!isDoubtful || signal.aborted || !(await this.#answers(session))) continue;
      if (call.heardAt !== heardAt || signal.aborted) continue;
      if (!(await mayResend())) return;
      if (call.heardAt !== heardAt || signal.aborted) continue;
      call.resend();
      return;
    }
  }

  async #hasSleptOver(ms: number, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#context;
    const { monotonic, wall } = { monotonic: clock.monotonic(), wall: clock.now() };
    await sleep(clock, ms, signal, { background: true });
    const passed = clock.monotonic() - monotonic;
    return passed - ms > SLEPT_MS || Math.abs(clock.now() - wall - passed) > SLEPT_MS;
  }

  /** Whether the server answers a ping on a new connection; asked once, however many wait for it. */
  #answers(session: Session): Promise<boolean> {
    const underWay = this.#asking.get(session);
    if (underWay) return underWay;
    const asked = this.#ask(session).finally(() => this.#asking.delete(session));
    this.#asking.set(session, asked);
    return asked;
  }

  async #ask(session: Session): Promise<boolean> {
    const { clock, newId } = this.#context;
    const limit = deadline(clock, ASK_LIMIT_MS, session.ended.signal);
    const ping: Request = { jsonrpc: '2.0', id: newId(), method: 'ping' };
    const options = { signal: limit.signal, connection: 'new' } as const;
    const outcome = await session.wire.request(ping, options).finally(limit.release);
    return outcome.kind === 'answered';
  }
}
