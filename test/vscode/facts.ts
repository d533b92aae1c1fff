import type { HubFact, NumberedFact } from '../../src/hub/facts.ts';
import { NOW } from './snapshots.ts';

type AnyFact = HubFact['fact'];

const request = { generation: 2, method: 'tools/call', tool: 'search' } as const;

/** One fact of each kind. */
export const EXAMPLES: { readonly [Kind in AnyFact['kind']]: Extract<AnyFact, { kind: Kind }> } = {
  sessionOpened: {
    kind: 'sessionOpened',
    generation: 2,
    session: 'abcdefgh…',
    protocolVersion: '2025-11-25',
    server: 'everything',
    durationMs: 42,
  },
  sessionResumed: { kind: 'sessionResumed', generation: 1, session: 'abcdefgh…' },
  sessionLost: { kind: 'sessionLost', generation: 1, evidence: '404 to tools/call: Session not found' },
  serverUnavailable: { kind: 'serverUnavailable', generation: 1, reason: 'connect ECONNREFUSED' },
  serverAnswered: { kind: 'serverAnswered', generation: 1, outageMs: 3000 },
  attemptFailed: {
    kind: 'attemptFailed',
    generation: 1,
    attempt: 2,
    reason: 'connect ECONNREFUSED',
    waitMs: 400,
  },
  sessionReplaced: { kind: 'sessionReplaced', generation: 2, previous: 1, cause: 'gone', durationMs: 1200 },
  connectionDown: { kind: 'connectionDown', generation: 1, reason: 'connect ECONNREFUSED' },
  requestReplayed: { kind: 'requestReplayed', ...request, because: 'the session was gone' },
  outcomeUnknown: { kind: 'outcomeUnknown', ...request, code: 'OUTCOME_UNKNOWN', reason: 'cut off' },
  requestAnswered: { kind: 'requestAnswered', ...request, durationMs: 12 },
  requestFailed: { kind: 'requestFailed', ...request, code: 'SERVER_UNAVAILABLE', reason: 'no session' },
  requestCancelled: { kind: 'requestCancelled', ...request },
  exchangeFailed: {
    kind: 'exchangeFailed',
    ...request,
    resuming: false,
    outcome: 'unavailable',
    status: 503,
    reason: 'the server answered 503',
    resumable: false,
    durationMs: 5,
  },
  streamOpened: { kind: 'streamOpened', generation: 1 },
  streamEnded: { kind: 'streamEnded', generation: 1, reason: 'the server closed it' },
  streamNotOffered: { kind: 'streamNotOffered', generation: 1, status: 405 },
  stateRestored: { kind: 'stateRestored', generation: 2, logLevel: 'info', subscriptions: 2, failed: 1 },
  serverChanged: { kind: 'serverChanged', generation: 2, what: ['tools/list'] },
  serverWrote: { kind: 'serverWrote', generation: 1, text: 'listening' },
  resetRequested: { kind: 'resetRequested', generation: 1 },
  sessionEnded: { kind: 'sessionEnded', generation: 1, outcome: 'deleted' },
  connectionPaused: { kind: 'connectionPaused', generation: 1 },
  connectionResumed: { kind: 'connectionResumed', generation: 1 },
  connectionClosed: { kind: 'connectionClosed', generation: 2 },
  toolsListed: { kind: 'toolsListed', generation: 2, tools: 12 },
  toolsNotListed: { kind: 'toolsNotListed', generation: 2, reason: 'timed out' },
  handshakeRefused: { kind: 'handshakeRefused', generation: 0, reason: 'no such revision', waitMs: 10_000 },
};

/** Facts of one server, a second apart, the last one `NOW`. */
export function numbered(
  facts: readonly AnyFact[],
  of: Pick<HubFact, 'server' | 'client'> = { server: 'a' },
): NumberedFact[] {
  return facts.map((fact, index) => ({
    ...of,
    seq: index + 1,
    at: NOW - (facts.length - 1 - index) * 1000,
    fact,
  }));
}
