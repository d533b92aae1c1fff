import type { HubFact } from '../../hub/facts.ts';
import { Redaction } from '../redaction.ts';
import {
  RECORDING_FORMAT,
  RECORDING_VERSION,
  type RecordedFact,
  type RecordedServer,
  type RecordingHeader,
} from './format.ts';

type AnyFact = HubFact['fact'];
type FactOf<Kind extends AnyFact['kind']> = Extract<AnyFact, { kind: Kind }>;

/**
 * What becomes of a member of a fact.
 *
 * - `keep`: a number, a name of the protocol, one of a few words of ours.
 * - `words`: somebody's words: without ids, tokens, queries and home folders, and cut.
 * - `mark`: a credential: `…` says that there is one.
 * - `length`: what a program wrote: only how much.
 */
type Treatment = 'keep' | 'words' | 'mark' | 'length';

/** The longest words of somebody else, in characters. */
const MAX_WORDS = 200;

/** A member that is not named here is not exported. A new fact has to say what becomes of each. */
const TREATMENTS: {
  readonly [Kind in AnyFact['kind']]: {
    readonly [Member in Exclude<keyof FactOf<Kind>, 'kind' | 'generation'>]-?: Treatment;
  };
} = {
  sessionOpened: { session: 'mark', protocolVersion: 'words', server: 'words', durationMs: 'keep' },
  sessionResumed: { session: 'mark' },
  sessionLost: { evidence: 'words' },
  sessionReplaced: { previous: 'keep', cause: 'words', durationMs: 'keep' },
  sessionEnded: { outcome: 'keep' },
  serverUnavailable: { reason: 'words' },
  serverAnswered: { outageMs: 'keep' },
  attemptFailed: { attempt: 'keep', reason: 'words', waitMs: 'keep' },
  connectionDown: { reason: 'words' },
  connectionPaused: {},
  connectionResumed: {},
  connectionClosed: {},
  exchangeFailed: {
    method: 'words',
    tool: 'words',
    resuming: 'keep',
    outcome: 'keep',
    status: 'keep',
    reason: 'words',
    resumable: 'keep',
    durationMs: 'keep',
  },
  requestAnswered: { method: 'words', tool: 'words', durationMs: 'keep', error: 'keep' },
  requestReplayed: { method: 'words', tool: 'words', because: 'words' },
  requestFailed: { method: 'words', tool: 'words', code: 'keep', reason: 'words' },
  requestCancelled: { method: 'words', tool: 'words' },
  outcomeUnknown: { method: 'words', tool: 'words', code: 'keep', reason: 'words' },
  streamOpened: {},
  streamEnded: { reason: 'words' },
  streamNotOffered: { status: 'keep' },
  stateRestored: { logLevel: 'words', subscriptions: 'keep', failed: 'keep' },
  serverChanged: { what: 'keep' },
  serverWrote: { text: 'length' },
  resetRequested: {},
  handshakeRefused: { reason: 'words', waitMs: 'keep' },
  toolsListed: { tools: 'keep' },
  toolsNotListed: { reason: 'words' },
};

export interface ExportOptions {
  /** The version of this product. */
  readonly product: string;
  /** In ms since the epoch. */
  readonly now: number;
}

/** The facts as a recording. Pure. */
export function exportRecording(
  facts: readonly HubFact[],
  servers: readonly RecordedServer[],
  { product, now }: ExportOptions,
): string {
  const redaction = new Redaction();
  const header: RecordingHeader = {
    format: RECORDING_FORMAT,
    version: RECORDING_VERSION,
    product,
    exportedAt: new Date(now).toISOString(),
    servers: servers.map(({ name, type, target }) => ({ name, type, target: redaction.clean(target) })),
  };
  const lines = facts.map((fact) => recorded(fact, redaction));
  return [header, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('');
}

function recorded({ server, client, at, fact }: HubFact, redaction: Redaction): RecordedFact {
  const { kind, generation } = fact;
  // A kind newer than this table: only its occurrence is exported.
  const treatments: Readonly<Record<string, Treatment>> = TREATMENTS[kind] ?? {};
  const members = Object.entries(fact).flatMap(([name, value]): [string, unknown][] => {
    const treatment = treatments[name];
    return treatment === undefined || value === undefined
      ? []
      : [[name, treated(value, treatment, redaction)]];
  });
  return {
    server,
    ...(client !== undefined && { client }),
    at: new Date(at).toISOString(),
    fact: { kind, generation, ...Object.fromEntries(members) },
  };
}

function treated(value: unknown, treatment: Treatment, redaction: Redaction): unknown {
  switch (treatment) {
    case 'keep':
      return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
    case 'words':
      return redaction.clean(String(value)).slice(0, MAX_WORDS);
    case 'mark':
      return '…';
    case 'length':
      return String(value).length;
  }
}
