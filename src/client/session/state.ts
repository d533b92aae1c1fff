import type { ErrorCode } from '../../protocol/errors.ts';

/**
 * The state of a connection: one tagged union, changed by one pure total function. Each state carries only what is
 * legal in it. All moments are of the monotonic clock. The generation is the running number of the session the connection holds or held last (0: none yet).
 *
 *     idle ─► connecting ─► ready ◄──────────────┐
 *                 │          │ ▲                 │
 *                 │          │ └─ unreachable ──►│ (the kept session answered)
 *                 │          └──► recovering ───►┘ (a new session was opened)
 *                 └────────► down ◄── patience used up; attempts go on, slowly
 *     any state ─► paused ─► recovering (resumed; idle if there was no session yet)
 *     any state ─► closed
 */
export type ConnectionState =
  | { readonly kind: 'idle'; readonly since: number; readonly generation: 0 }
  | ({ readonly kind: 'connecting'; readonly generation: 0 } & Healing)
  | { readonly kind: 'ready'; readonly since: number; readonly generation: number }
  | ({
      readonly kind: 'unreachable';
      readonly generation: number;
      /** No more is known than that a ping had no answer: that holds up no request. */
      readonly requestsGoOut: boolean;
    } & Healing)
  | ({ readonly kind: 'recovering'; readonly generation: number; readonly again: boolean } & Healing)
  | ({
      readonly kind: 'down';
      readonly generation: number;
      readonly session: 'none' | 'kept' | 'gone';
    } & Healing)
  /** Nothing is sent and nothing is tried until it is resumed. */
  | { readonly kind: 'paused'; readonly since: number; readonly generation: number }
  | { readonly kind: 'closed'; readonly since: number; readonly generation: number };

/** The cause of a recovery that was asked for. */
export const RESET = 'reset on request';
/** The same of a connection that was paused. */
const RESUMED = 'resumed on request';

/** What the states that wait for a session have in common. */
export interface Healing {
  readonly since: number;
  /** When the trouble began; it outlives changes between these states. */
  readonly troubledSince: number;
  /** Why, in words for a person. */
  readonly trouble: string;
  /** The first sign of the trouble: what a later `sessionReplaced` names as its cause. */
  readonly cause: string;
  /** Attempts made since the trouble began. */
  readonly attempt: number;
  /** When the next attempt is due; undefined while one is under way or due at once. */
  readonly nextAttemptAt: number | undefined;
  /** What a caller is told if no session can be had. */
  readonly failure: ErrorCode;
}

export type HealingState = Extract<ConnectionState, Healing>;

/** Every event names the generation it is about; one about another generation than the current changes nothing. */
export type ConnectionEvent =
  | { readonly kind: 'started' }
  /** The server was proven to answer on this session. */
  | { readonly kind: 'answered'; readonly generation: number }
  /** The server does not answer. `notBefore`: when it asked to be tried again. */
  | {
      readonly kind: 'unavailable';
      readonly generation: number;
      readonly reason: string;
      readonly notBefore?: number | undefined;
      /** It did not answer a ping, or refused it; nothing else is known. */
      readonly byPing?: boolean | undefined;
    }
  | { readonly kind: 'lost'; readonly generation: number; readonly reason: string }
  | { readonly kind: 'resetRequested'; readonly generation: number }
  | { readonly kind: 'attemptStarted' }
  | {
      readonly kind: 'attemptFailed';
      readonly reason: string;
      readonly failure: ErrorCode;
      readonly nextAttemptAt: number;
      /** Patience is used up: the connection is down. */
      readonly giveUp: boolean;
      /** The server is there, and did not answer a ping, or refused it. */
      readonly byPing?: boolean | undefined;
    }
  /** A session was opened; it becomes the next generation. */
  | { readonly kind: 'opened' }
  | { readonly kind: 'paused' }
  | { readonly kind: 'resumed' }
  | { readonly kind: 'closed' };

export function initialState(now: number): ConnectionState {
  return { kind: 'idle', since: now, generation: 0 };
}

/** Whether the connection works on getting a session. */
export function isHealing(state: ConnectionState): state is HealingState {
  return 'troubledSince' in state;
}

/** The session on which requests may go out, if it is held: that of a ready connection, or of one merely in doubt. */
export function isUsable(state: ConnectionState): boolean {
  return state.kind === 'ready' || (state.kind === 'unreachable' && state.requestsGoOut);
}

/** What attempt comes next: ask the kept session, or open a new one. */
export function nextAttempt(state: HealingState): 'ask' | 'open' {
  return state.kind === 'unreachable' || (state.kind === 'down' && state.session === 'kept') ? 'ask' : 'open';
}

/** The next state. Pure and total: an event that means nothing in a state leaves it as it is. */
export function transition(state: ConnectionState, event: ConnectionEvent, now: number): ConnectionState {
  if (state.kind === 'closed') return state;
  if (event.kind === 'closed') return { kind: 'closed', since: now, generation: state.generation };
  if (state.kind === 'paused') return event.kind === 'resumed' ? resumed(state.generation, now) : state;
  if (event.kind === 'paused') return { kind: 'paused', since: now, generation: state.generation };
  if (state.kind === 'idle') {
    return event.kind === 'started'
      ? { kind: 'connecting', generation: 0, ...trouble(now, 'opening the first session') }
      : state;
  }
  if ('generation' in event && event.generation !== state.generation) return state;
  return state.kind === 'ready' ? fromReady(state, event, now) : fromHealing(state, event, now);
}

function fromReady(
  state: Extract<ConnectionState, { kind: 'ready' }>,
  event: ConnectionEvent,
  now: number,
): ConnectionState {
  const { generation } = state;
  switch (event.kind) {
    case 'unavailable':
      return {
        kind: 'unreachable',
        generation,
        requestsGoOut: event.byPing === true,
        ...trouble(now, event.reason, event.notBefore),
      };
    case 'lost':
      return { kind: 'recovering', generation, again: false, ...trouble(now, event.reason) };
    case 'resetRequested':
      return { kind: 'recovering', generation, again: false, ...trouble(now, RESET) };
    default:
      return state;
  }
}

function fromHealing(state: HealingState, event: ConnectionEvent, now: number): ConnectionState {
  switch (event.kind) {
    case 'attemptStarted':
      return { ...state, attempt: state.attempt + 1, nextAttemptAt: undefined };
    case 'attemptFailed':
      return failed(state, event, now);
    case 'opened':
      return opened(state, now);
    case 'answered':
      // Only a session that is still kept can answer; a late answer on a lost one proves nothing.
      return nextAttempt(state) === 'ask'
        ? { kind: 'ready', since: now, generation: state.generation }
        : state;
    case 'unavailable':
      // What a ping left in doubt is so by another sign.
      return isUsable(state) && state.kind === 'unreachable' && !event.byPing
        ? { ...state, requestsGoOut: false, trouble: event.reason, nextAttemptAt: event.notBefore }
        : state;
    case 'lost':
      return nextAttempt(state) === 'ask' ? toRecovering(state, event.reason, now) : state;
    case 'resetRequested':
      // Asked for during a recovery: the session that it brings may be the very one to be replaced, so once more.
      if (state.kind === 'recovering') return { ...state, again: true };
      return state.generation === 0 ? state : toRecovering(state, RESET, now);
    default:
      return state;
  }
}

function failed(
  state: HealingState,
  event: Extract<ConnectionEvent, { kind: 'attemptFailed' }>,
  now: number,
): ConnectionState {
  const { reason, failure, nextAttemptAt } = event;
  const next = { ...state, trouble: reason, failure, nextAttemptAt };
  if (nextAttempt(state) === 'ask' && event.byPing) {
    const since = state.kind === 'down' ? now : state.since;
    const { generation } = state;
    return { ...healingOf(next), kind: 'unreachable', generation, requestsGoOut: true, since };
  }
  if (next.kind === 'unreachable' && !event.giveUp) return { ...next, requestsGoOut: false };
  if (!event.giveUp || next.kind === 'down') return next;
  const session = state.kind === 'connecting' ? 'none' : state.kind === 'unreachable' ? 'kept' : 'gone';
  return { ...healingOf(next), kind: 'down', generation: state.generation, session, since: now };
}

function opened(state: HealingState, now: number): ConnectionState {
  if (nextAttempt(state) === 'ask') return state;
  const generation = state.generation + 1;
  return state.kind === 'recovering' && state.again
    ? { kind: 'recovering', generation, again: false, ...trouble(now, RESET) }
    : { kind: 'ready', since: now, generation };
}

function resumed(generation: number, now: number): ConnectionState {
  if (generation === 0) return initialState(now);
  return { kind: 'recovering', generation, again: false, ...trouble(now, RESUMED) };
}

function toRecovering(state: HealingState, reason: string, now: number): ConnectionState {
  return {
    ...healingOf(state),
    kind: 'recovering',
    generation: state.generation,
    again: false,
    since: now,
    trouble: reason,
    cause: reason,
    nextAttemptAt: undefined,
  };
}

function trouble(now: number, reason: string, nextAttemptAt?: number): Healing {
  const failure = 'SERVER_UNAVAILABLE';
  return {
    since: now,
    troubledSince: now,
    trouble: reason,
    cause: reason,
    attempt: 0,
    nextAttemptAt,
    failure,
  };
}

function healingOf(state: Healing): Healing {
  const { since, troubledSince, trouble, cause, attempt, nextAttemptAt, failure } = state;
  return { since, troubledSince, trouble, cause, attempt, nextAttemptAt, failure };
}
