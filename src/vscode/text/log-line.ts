import { printableJson } from '../../base/printable.ts';
import type { HubFact } from '../../hub/facts.ts';
import type { GatewayRecord } from '../../hub/gateway/index.ts';
import { shortened } from '../../protocol/http/secrets.ts';
import { maskTokens } from './untrusted-text.ts';

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

export interface LogLine {
  readonly level: LogLevel;
  readonly line: string;
}

/** The longest value in a line, in characters; the rest is cut. */
const MAX_VALUE = 500;

const LEVELS: Readonly<Record<HubFact['fact']['kind'], LogLevel>> = {
  connectionDown: 'error',
  outcomeUnknown: 'error',
  handshakeRefused: 'warn',
  requestFailed: 'warn',
  serverUnavailable: 'warn',
  sessionLost: 'warn',
  toolsNotListed: 'warn',
  attemptFailed: 'info',
  connectionClosed: 'info',
  connectionPaused: 'info',
  connectionResumed: 'info',
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
  exchangeFailed: 'debug',
  streamEnded: 'debug',
  streamNotOffered: 'debug',
  streamOpened: 'debug',
  requestAnswered: 'trace',
};

/** One fact as one line: `sessionOpened server=github generation=2 …`. Never a header, never a whole session id. */
export function renderLogLine({ server, client, fact }: HubFact): LogLine {
  const { kind, ...fields } = fact;
  // What the server calls itself is not what the person calls it.
  const named = 'server' in fields ? renamed(fields) : fields;
  // A fact of a newer kind than this table is still worth a line.
  return { level: LEVELS[kind] ?? 'info', line: lineOf(kind, server, { client, ...named }) };
}

/** One record of the gateway as one line, in the same form: `gateway.sessionOpened server=github session=… …`. */
export function renderGatewayLine({ level, event, server, ...fields }: GatewayRecord): LogLine {
  return { level, line: lineOf(`gateway.${event}`, server, fields) };
}

function lineOf(kind: string, server: string | undefined, fields: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${key === 'session' ? shortened(String(value)) : foreign(value)}`);
  const about = server === undefined ? [] : [`server=${quoted(server)}`];
  return [kind, ...about, ...pairs].join(' ');
}

function renamed({ server, ...fields }: { readonly server: string }) {
  return { implementation: server, ...fields };
}

function foreign(value: unknown): string {
  if (typeof value === 'number') return String(Math.round(value));
  return quoted(maskTokens(Array.isArray(value) ? value.join(',') : String(value)).slice(0, MAX_VALUE));
}

/** Quoting also turns line breaks into `\n`, so that a server can't forge a line. */
function quoted(text: string): string {
  return /^[\w.:/+,…-]+$/.test(text) ? text : printableJson(text);
}
