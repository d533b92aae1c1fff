import type { RawEntry, TransportType } from './config-format.ts';

/** Every name that a client gives a transport. `transportType` is what Cline wrote before it wrote `type`. */
const TYPES: Readonly<Record<string, TransportType>> = {
  http: 'http',
  'streamable-http': 'http',
  streamable_http: 'http',
  streamablehttp: 'http',
  sse: 'sse',
  stdio: 'stdio',
};

/** The transport that an entry names; undefined if it names none, `unknown` for any other name. */
export function namedType(entry: RawEntry): TransportType | { readonly unknown: string } | undefined {
  const name = entry.type ?? entry.transportType ?? entry.transport;
  if (typeof name !== 'string') return undefined;
  return TYPES[name.toLowerCase()] ?? { unknown: name };
}

/** Clients that are told no transport try both. The path by which the old one was served settles it without a try. */
export function sseByPath(url: string): 'http' | 'sse' {
  return /\/sse\/?(?:[?#]|$)/.test(url) ? 'sse' : 'http';
}
