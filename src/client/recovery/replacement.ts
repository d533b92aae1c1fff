import { type Clock, within } from '../../base/environment.ts';
import { likeness } from '../../protocol/refusal.ts';
import type { RecoveryOptions } from '../options.ts';
import type { Gate } from '../session/gate.ts';
import { isRefused, type Pinger, type RefusedPing } from '../session/pinger.ts';
import type { Session } from '../session/session.ts';
import type { SharedOpening } from './shared-opening.ts';

export interface ReplacementOptions {
  readonly gate: Gate;
  readonly pinger: Pinger;
  readonly opening: SharedOpening;
  readonly clock: Clock;
  readonly options: RecoveryOptions;
}

/**
 * Opens a session beside one that is held but refused, and puts it in its place: what is under way on the old one may
 * still be answered for a while. Where none can be opened the old one is kept. So a server that refuses in words that
 * nobody has listed is healed, and one that works loses nothing.
 */
export class Replacement {
  readonly #options: ReplacementOptions;
  readonly #replacing = new Map<Session, Promise<boolean>>();
  #notBefore = 0;

  constructor(options: ReplacementOptions) {
    this.#options = options;
  }

  /**
   * True: the session was replaced. One that takes longer than a ping may is not waited for; it is put in place when it
   * comes. After one that could not be opened the next is tried `besideAfterMs` later at the earliest.
   */
  replace(session: Session, reason: string, refused?: RefusedPing): Promise<boolean> {
    const { gate, clock, options } = this.#options;
    let replaced = this.#replacing.get(session);
    if (!replaced) {
      if (!gate.isCurrent(session)) return Promise.resolve(true);
      if (session.negotiated.isWire) {
        // There is no beside: the next one can only be had when this one is gone.
        gate.apply({ kind: 'lost', generation: session.generation, reason });
        return Promise.resolve(true);
      }
      if (clock.monotonic() < this.#notBefore) return Promise.resolve(false);
      this.#notBefore = clock.monotonic() + options.besideAfterMs;
      replaced = this.#replace(session, reason, refused).finally(() => this.#replacing.delete(session));
      this.#replacing.set(session, replaced);
    }
    return within(clock, options.attemptTimeoutMs, replaced, false);
  }

  /**
   * The same of a session on which pings have been refused for long enough, or by whoever lets nobody in; a new one must do
   * better to replace it.
   */
  async afterPings(session: Session, refused: RefusedPing): Promise<boolean> {
    const { pinger, options } = this.#options;
    const isDue = refused.kind === 'away' || pinger.refusedForMs(session) >= options.besideAfterMs;
    // One without an id, or that is its wire, is lost in no other way than by its end.
    if (session.negotiated.sessionId === undefined || pinger.isFutile || !isDue) return false;
    pinger.forgetRefusals();
    return this.replace(session, refused.because, refused);
  }

  async #replace(session: Session, reason: string, refused: RefusedPing | undefined): Promise<boolean> {
    const { gate, opening } = this.#options;
    const result = await opening.open();
    // Lost meanwhile by another sign: whoever works on that has taken the same new one.
    if (!gate.isCurrent(session)) return true;
    if (result.kind === 'failed') return false;
    this.#notBefore = 0;
    if (refused && (await this.#isNoBetter(result.session, refused)) && gate.session !== result.session) {
      opening.discard(result.session);
      return false;
    }
    gate.apply({ kind: 'lost', generation: session.generation, reason });
    opening.take(result.session);
    return true;
  }

  /** Whether a ping is refused on the new session as well: then that says nothing of the old one. */
  async #isNoBetter(opened: Session, { refusal }: RefusedPing): Promise<boolean> {
    const { pinger } = this.#options;
    const again = await pinger.ping(opened);
    const isSame = isRefused(again) && likeness(again.refusal, refusal) !== 'different';
    if (isSame) pinger.noteFutility();
    return isSame;
  }
}
