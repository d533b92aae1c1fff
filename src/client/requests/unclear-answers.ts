import type { Outcome, OutcomeOf } from '../../protocol/outcome.ts';
import { likeness, type Refusal } from '../../protocol/refusal.ts';
import type { Interruption } from '../../protocol/replay.ts';
import type { Replacement } from '../recovery/replacement.ts';
import type { Gate } from '../session/gate.ts';
import type { SessionHealth } from '../session/health.ts';
import { type ProbeResult, refusalIn } from '../session/pinger.ts';
import type { Session } from '../session/session.ts';
import type { PendingRequest } from './pending-request.ts';
import type { ReplayRule } from './replay-rule.ts';

export interface UnclearAnswersOptions {
  readonly gate: Gate;
  readonly health: SessionHealth;
  readonly replacement: Replacement;
  readonly rule: ReplayRule;
  /** Whether a ping is asked where an answer only looks like a lost session. */
  readonly asksWhenUnclear: boolean;
}

/** What an answer that may mean a lost session was found to mean. */
export type Finding =
  /** It is not about the session. */
  | { readonly kind: 'final' }
  /** The session is lost. */
  | { readonly kind: 'lost'; readonly because: string; readonly interruption: Interruption }
  /** The server cannot be reached. */
  | { readonly kind: 'away'; readonly because: string; readonly interruption: Interruption }
  /** A new session was opened on that, and took the place of this one. */
  | { readonly kind: 'replaced'; readonly because: string; readonly interruption: Interruption };

const FINAL: Finding = { kind: 'final' };

/** Finds out whether an answer is about the session: one `ping` decides, or a new session that is opened beside it. */
export class UnclearAnswers {
  readonly #options: UnclearAnswersOptions;

  constructor(options: UnclearAnswersOptions) {
    this.#options = options;
  }

  /**
   * Whether what says that the session is lost is to be doubted: it says so in words alone of a second session of this
   * request, or in words that were shown to mean something else.
   */
  isDoubtful(
    pending: PendingRequest,
    outcome: OutcomeOf<'lost'>,
  ): outcome is OutcomeOf<'lost'> & { readonly otherwise: Outcome } {
    if (!outcome.otherwise) return false;
    const refusal = refusalIn(outcome);
    return pending.losses > 0 || (refusal !== undefined && this.#options.health.isKnown(refusal));
  }

  /**
   * One `ping` decides. Refused in the same way, whatever the words, it has one new session tried; what is refused there
   * again in this way is no matter of the session.
   */
  async judge(pending: PendingRequest, session: Session, outcome: OutcomeOf<'unclear'>): Promise<Finding> {
    const { gate, health, rule, asksWhenUnclear } = this.#options;
    const { because, interruption, outright, otherwise } = outcome;
    const refusal = refusalOf(outcome);
    if (!gate.isCurrent(session) || session.ended.signal.aborted) {
      // Another request has had the session replaced meanwhile, or has it replaced: the refusal was about the old one.
      const isSame = session.refusal !== undefined && likeness(session.refusal, refusal) === 'same';
      if (!isSame && !outright && interruption === 'unknown') return FINAL;
      return { kind: 'lost', because, interruption: isSame ? ranAtMost(outcome) : interruption };
    }
    const { retriedRefusal } = pending;
    if (retriedRefusal && likeness(retriedRefusal, refusal) !== 'different') health.noteRefusedAnew(refusal);
    const isKnown = !outright && health.isKnown(refusal);
    if (retriedRefusal || isKnown || !asksWhenUnclear) return FINAL;
    // A good answer is not held up for long by the question whether it is one.
    const isAnswer = otherwise.kind === 'answered';
    const ping = await (isAnswer ? health.probeOfAnswer(session) : health.probe(session));
    switch (ping.kind) {
      case 'lost':
        if (interruption === 'unknown' && !(await rule.decide(pending, interruption)).replay) return FINAL;
        return { kind: 'lost', because: ping.because, interruption };
      case 'away':
        if (ping.refusal) return this.#comparePing(pending, session, outcome, ping);
        return interruption === 'unknown' ? FINAL : { kind: 'away', because: ping.because, interruption };
      case 'over':
        return this.judge(pending, session, outcome);
      default:
        return this.#comparePing(pending, session, outcome, ping);
    }
  }

  /** Whether the ping was refused as the request was. */
  #comparePing(
    pending: PendingRequest,
    session: Session,
    outcome: OutcomeOf<'unclear'>,
    ping: ProbeResult,
  ): Finding | Promise<Finding> {
    const refusal = refusalOf(outcome);
    const pings = 'refusal' in ping ? ping.refusal : undefined;
    const like = pings ? likeness(pings, refusal) : 'different';
    if (ping.kind === 'alive' && pending.losses > 0) this.#options.health.noteHarmless(refusal);
    // Words that say it outright need no second opinion from a server that gives none.
    const isLost = ping.kind !== 'alive' && outcome.outright;
    if (like === 'different' && !isLost) return FINAL;
    const interruption = like === 'same' ? ranAtMost(outcome) : outcome.interruption;
    return this.#tryAnew(pending, session, { ...outcome, interruption }, refusal);
  }

  /** A new session beside this one: if it opens, the refused request is sent again, once. */
  async #tryAnew(
    pending: PendingRequest,
    session: Session,
    { because, interruption }: OutcomeOf<'unclear'>,
    refusal: Refusal,
  ): Promise<Finding> {
    const { replacement, rule } = this.#options;
    pending.retriedRefusal = refusal;
    session.refusal = refusal;
    const isReplaced = await replacement.replace(session, `${because} (${pending.request.method})`);
    if (!isReplaced || !(await rule.decide(pending, interruption)).replay) return FINAL;
    return { kind: 'replaced', because, interruption };
  }
}

/** As a `ping` that is refused in the same way is told of. */
function refusalOf({ status = 0, because, otherwise }: OutcomeOf<'unclear'>): Refusal {
  const answered = status === 200 ? refusalIn(otherwise) : undefined;
  return answered ?? { status, words: because };
}

/** What was refused word for word as a ping is was not run; unless it is a stream whose request was sent long ago. */
function ranAtMost({ otherwise, interruption }: OutcomeOf<'unclear'>): Interruption {
  return otherwise.kind === 'broken' ? interruption : 'notExecuted';
}
