import type { FleetFact } from '../../fleet/fact.ts';
import { shortened } from '../../session/snapshot.ts';
import { withoutSecrets } from './foreign-text.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** The longest value in a line, in characters; the rest is cut. */
const MAX_VALUE = 500;

const LEVELS: Readonly<Record<FleetFact['fact']['kind'], LogLevel>> = {
  connectionDown: 'error',
  outcomeUnknown: 'error',
  handshakeRefused: 'warn',
  requestFailed: 'warn',
  serverUnavailable: 'warn',
  sessionLost: 'warn',
  toolsNotListed: 'warn',
  attemptFailed: 'info',
  connectionClosed: 'info',
  requestReplayed: 'info',
  resetRequested: 'info',
  serverAnswered: 'info',
  serverChanged: 'info',
  serverWrote: 'info',
  sessionEnded: 'info',
  sessionOpened: 'info',
  sessionReplaced: 'info',
  sessionResumed: 'info',
  stateRestored: 'info',
  toolsListed: 'info',
  requestCancelled: 'debug',
  streamEnded: 'debug',
  streamNotOffered: 'debug',
  streamOpened: 'debug',
  requestAnswered: 'trace',
};

/** One fact as one line: `sessionOpened server=github generation=2 …`. Never a header, never a whole session id. */
export function renderLogLine({ server, fact }: FleetFact): { level: LogLevel; line: string } {
  const { kind, ...fields } = fact;
  // What the server calls itself is not what the person calls it.
  const named = 'server' in fields ? renamed(fields) : fields;
  const pairs = Object.entries(named)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${key === 'session' ? shortened(String(value)) : foreign(value)}`);
  // A fact of a newer kind than this table is still worth a line.
  return { level: LEVELS[kind] ?? 'info', line: [kind, `server=${quoted(server)}`, ...pairs].join(' ') };
}

function renamed({ server, ...fields }: { readonly server: string }) {
  return { implementation: server, ...fields };
}

function foreign(value: unknown): string {
  if (typeof value === 'number') return String(Math.round(value));
  return quoted(withoutSecrets(Array.isArray(value) ? value.join(',') : String(value)).slice(0, MAX_VALUE));
}

/** Quoting also turns line breaks into `\n`, so that a server can't forge a line of its own. */
function quoted(text: string): string {
  return /^[\w.:/+,…-]+$/.test(text) ? text : JSON.stringify(text);
}
