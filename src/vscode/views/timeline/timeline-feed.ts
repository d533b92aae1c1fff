import { RESET } from '../../../client/session/state.ts';
import type { HubFact, NumberedFact } from '../../../hub/facts.ts';
import type { Increment, Lane, Mark, MarkKind, Phase } from '../../../webview/timeline/messages.ts';
import { factLabel } from '../../text/fact-label.ts';
import { nextPhase } from '../../text/phase.ts';
import { english, type Translate } from '../../text/translate.ts';
import { plainText } from '../../text/untrusted-text.ts';

type AnyFact = HubFact['fact'];

const MARKS: Readonly<Record<AnyFact['kind'], MarkKind>> = {
  requestAnswered: 'call',
  requestReplayed: 'replay',
  serverAnswered: 'recovery',
  sessionReplaced: 'recovery',
  attemptFailed: 'fault',
  exchangeFailed: 'fault',
  connectionDown: 'fault',
  handshakeRefused: 'fault',
  outcomeUnknown: 'fault',
  requestFailed: 'fault',
  serverUnavailable: 'fault',
  sessionLost: 'fault',
  toolsNotListed: 'fault',
  connectionClosed: 'session',
  connectionPaused: 'session',
  connectionResumed: 'session',
  resetRequested: 'session',
  sessionEnded: 'session',
  sessionOpened: 'session',
  sessionResumed: 'session',
  stateRestored: 'session',
  requestCancelled: 'note',
  serverChanged: 'note',
  serverWrote: 'note',
  streamEnded: 'note',
  streamNotOffered: 'note',
  streamOpened: 'note',
  toolsListed: 'note',
};

/**
 * Makes facts into what the timeline draws. Each call of {@link add} gives what is new; all of it put together is the
 * same, however the facts were divided.
 */
export class TimelineFeed {
  readonly #t: Translate;
  readonly #lanes = new Map<string, { readonly lane: Lane; phase: Phase | undefined }>();

  constructor(t: Translate = english) {
    this.#t = t;
  }

  /** @param facts in the order of their numbers. @param now in ms since the epoch, by the clock of the facts. */
  add(facts: readonly NumberedFact[], now: number): Increment {
    const lanes: Lane[] = [];
    const phases: Phase[] = [];
    const marks = facts.map((each): Mark => {
      const entry = this.#laneOf(each, lanes);
      const phase = nextPhase(entry.phase, each.fact);
      if (phase) {
        entry.phase = { lane: entry.lane.id, from: each.at, ...phase };
        phases.push(entry.phase);
      }
      return markOf(each, entry.lane.id, this.#t);
    });
    return { now, lanes, phases, marks };
  }

  #laneOf({ server, client }: NumberedFact, added: Lane[]) {
    const key = JSON.stringify([server, client]);
    const known = this.#lanes.get(key);
    if (known) return known;
    const name = plainText(server);
    const title = client === undefined ? name : this.#t('{0}, client {1}', name, client);
    const entry = {
      lane: { id: this.#lanes.size, server, title, ...(client !== undefined && { client }) },
      phase: undefined,
    };
    this.#lanes.set(key, entry);
    added.push(entry.lane);
    return entry;
  }
}

function markOf({ seq, at, fact }: NumberedFact, lane: number, t: Translate): Mark {
  const durationMs = durationOf(fact);
  return {
    seq,
    lane,
    at,
    kind: kindOf(fact),
    generation: fact.generation,
    ...(durationMs !== undefined && { durationMs }),
    text: factLabel(fact, t),
  };
}

/** A session that was given up because a person asked for another is no fault. */
function kindOf(fact: AnyFact): MarkKind {
  if (fact.kind === 'sessionLost' && fact.evidence === RESET) return 'session';
  return MARKS[fact.kind] ?? 'note';
}

function durationOf(fact: AnyFact): number | undefined {
  switch (fact.kind) {
    case 'requestAnswered':
    case 'sessionReplaced':
      return fact.durationMs;
    case 'serverAnswered':
      return fact.outageMs;
    default:
      return undefined;
  }
}
