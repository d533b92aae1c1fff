import { type Clock, deadline } from '../../base/environment.ts';
import type { Request } from '../../protocol/message.ts';
import type { Session } from '../session/session.ts';
import type { PendingRequest } from './pending-request.ts';

/** How long the ping may take that shows whether the server answers on another connection, in ms. */
const ASK_LIMIT_MS = 1000;

/** A wait that takes this much longer than it should, by either clock, has been slept through, in ms. */
const SLEPT_MS = 2000;

interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

/**
 * Notices that a request may wait on a dead connection: nothing is heard of it, and the server answers on another. It
 * looks at requests that may be sent again, on a connection that was used before, or that this machine has slept on;
 * others are at work, as far as anybody can tell.
 */
export class ResendWatch {
  readonly #clock: Clock;
  readonly #newId: () => string;
  readonly #resendAfterMs: number;
  readonly #asking = new WeakMap<Session, Promise<boolean>>();

  /** @param resendAfterMs after how much silence, in ms; 0: never */
  constructor(clock: Clock, newId: () => string, resendAfterMs: number) {
    this.#clock = clock;
    this.#newId = newId;
    this.#resendAfterMs = resendAfterMs;
  }

  /**
   * Watches the exchange of a call until the function that it yields is called, and breaks it off at most once.
   * @param isUsed whether its connection was used before
   * @param mayResend whether the call may be sent again, which may have to be asked of the server
   */
  watch(
    call: PendingRequest,
    session: Session,
    isUsed: boolean,
    mayResend: () => Promise<boolean>,
  ): () => void {
    if (this.#resendAfterMs <= 0 || call.isResent) return () => {};
    let isOver = false;
    let cancel = () => {};
    let isDoubtful = isUsed;
    // A timer and no more, for as long as nothing is wrong: each call has one.
    const wait = () => {
      const { heardAt } = call;
      const began = this.#moment();
      const isSilent = () => !isOver && call.heardAt === heardAt;
      const look = async () => {
        if (call.heardAt !== heardAt) isDoubtful = false;
        isDoubtful ||= this.#hasSlept(began);
        const isDead = isDoubtful && (await this.#answers(session)) && isSilent();
        if (isDead && !(await mayResend())) return;
        if (isDead && isSilent()) call.resend();
        else if (!isOver) wait();
      };
      cancel = this.#clock.after(this.#resendAfterMs, () => void look(), { background: true });
    };
    wait();
    return () => {
      isOver = true;
      cancel();
    };
  }

  #moment(): Moment {
    return { monotonic: this.#clock.monotonic(), wall: this.#clock.now() };
  }

  /** Whether the machine, or this process, stood still while a wait should have been over. */
  #hasSlept(began: Moment): boolean {
    const now = this.#moment();
    const passed = now.monotonic - began.monotonic;
    const late = passed - this.#resendAfterMs;
    return late > SLEPT_MS || Math.abs(now.wall - began.wall - passed) > SLEPT_MS;
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
    const limit = deadline(this.#clock, ASK_LIMIT_MS, session.ended.signal);
    const ping: Request = { jsonrpc: '2.0', id: this.#newId(), method: 'ping' };
    const options = { signal: limit.signal, connection: 'new' } as const;
    const outcome = await session.wire.request(ping, options).finally(limit.release);
    return outcome.kind === 'answered';
  }
}
