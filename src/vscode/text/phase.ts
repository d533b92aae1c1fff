import type { HubFact } from '../../hub/facts.ts';
import type { Phase } from '../../webview/timeline/messages.ts';

/** What a connection is in. */
export type PhaseOf = Pick<Phase, 'kind' | 'generation'>;

/**
 * The phase that a fact begins; undefined when it goes on as it was. Facts that only bear witness, such as an answered
 * request, begin one where nothing was known: the history is bounded, and may start in the middle of a session.
 */
export function nextPhase(current: PhaseOf | undefined, fact: HubFact['fact']): PhaseOf | undefined {
  const next = begunBy(fact) ?? (current ? undefined : witnessedBy(fact));
  return next && (next.kind !== current?.kind || next.generation !== current.generation) ? next : undefined;
}

function begunBy(fact: HubFact['fact']): PhaseOf | undefined {
  const { generation } = fact;
  switch (fact.kind) {
    case 'sessionOpened':
    case 'sessionResumed':
    case 'sessionReplaced':
    case 'serverAnswered':
      return { kind: 'session', generation };
    case 'sessionLost':
    case 'connectionResumed':
      return { kind: 'recovering', generation };
    case 'serverUnavailable':
      return { kind: 'unreachable', generation };
    case 'connectionDown':
    case 'handshakeRefused':
      return { kind: 'down', generation };
    case 'connectionPaused':
    case 'connectionClosed':
      return { kind: 'ended', generation };
    default:
      return undefined;
  }
}

function witnessedBy({ kind, generation }: HubFact['fact']): PhaseOf {
  if (generation === 0) return { kind: 'connecting', generation };
  return { kind: kind === 'attemptFailed' ? 'unreachable' : 'session', generation };
}
