import type { Fact } from '../observe/journal.ts';
import { type ConnectionState, isHealing } from './state.ts';

/** The facts that a change of state is. Pure, so that the journal can't say anything but what happened. */
export function factsOfChange(
  state: ConnectionState,
  previous: ConnectionState,
  now: number,
): readonly Fact[] {
  const { generation } = state;
  if (state.kind === 'paused') return [{ kind: 'connectionPaused', generation }];
  if (previous.kind === 'paused' && state.kind !== 'closed')
    return [{ kind: 'connectionResumed', generation }];
  if (!isHealing(state)) return state.kind === 'ready' ? factsOfReady(state.generation, previous, now) : [];
  if (generation > previous.generation && isHealing(previous)) {
    // A reset asked for during a recovery: this session is replaced before anyone used it.
    return [replaced(generation, previous, previous.cause, now - previous.troubledSince)];
  }
  if (state.kind !== previous.kind) return factsOfTrouble(state);
  return hasFailed(state, previous) ? [attemptFailed(state, now)] : [];
}

function factsOfReady(generation: number, previous: ConnectionState, now: number): readonly Fact[] {
  if (!isHealing(previous)) return [];
  const durationMs = now - previous.troubledSince;
  if (generation === previous.generation)
    return [{ kind: 'serverAnswered', generation, outageMs: durationMs }];
  // The first session is told of by sessionOpened.
  return previous.generation === 0 ? [] : [replaced(generation, previous, previous.cause, durationMs)];
}

function factsOfTrouble(state: ConnectionState & { trouble: string }): readonly Fact[] {
  const { generation, trouble } = state;
  switch (state.kind) {
    case 'unreachable':
      return [{ kind: 'serverUnavailable', generation, reason: trouble }];
    case 'recovering':
      return [{ kind: 'sessionLost', generation, evidence: trouble }];
    case 'down':
      return [{ kind: 'connectionDown', generation, reason: trouble }];
    default:
      return [];
  }
}

function replaced(generation: number, previous: ConnectionState, cause: string, durationMs: number): Fact {
  return { kind: 'sessionReplaced', generation, previous: previous.generation, cause, durationMs };
}

function hasFailed(state: ConnectionState, previous: ConnectionState): boolean {
  return (
    isHealing(state) &&
    isHealing(previous) &&
    state.nextAttemptAt !== undefined &&
    previous.nextAttemptAt === undefined
  );
}

function attemptFailed(state: ConnectionState, now: number): Fact {
  const { generation } = state;
  if (!isHealing(state)) return { kind: 'attemptFailed', generation, attempt: 0, reason: '', waitMs: 0 };
  const waitMs = Math.max(0, (state.nextAttemptAt ?? now) - now);
  return { kind: 'attemptFailed', generation, attempt: state.attempt, reason: state.trouble, waitMs };
}
