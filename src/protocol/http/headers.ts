/** Names on the wire (MCP 2025-11-25, basic/transports). Header names in lower case, as `Headers` yields them. */

export const SESSION_ID_HEADER = 'mcp-session-id';
export const PROTOCOL_VERSION_HEADER = 'mcp-protocol-version';
export const LAST_EVENT_ID_HEADER = 'last-event-id';

/** The newest revision that has sessions. Written here because the SDK's own constant costs the loading of its schemas. */
export const LATEST_REVISION = '2025-11-25';

/** The first revision whose clients send {@link PROTOCOL_VERSION_HEADER} after initialization. */
const FIRST_REVISION_WITH_VERSION_HEADER = '2025-06-18';

/** Whether requests after initialization carry the version header under this revision. */
export function sendsVersionHeader(protocolVersion: string): boolean {
  return protocolVersion >= FIRST_REVISION_WITH_VERSION_HEADER;
}

/** The media type of a Content-Type, without parameters and in lower case; empty when there is none. */
export function mediaType(contentType: string | null): string {
  return (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/**
 * `Retry-After` in ms from `now`: delta-seconds or an HTTP date (RFC 9110, 10.2.3); undefined when absent, past or
 * not understood.
 */
export function retryAfterMs(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  const text = value.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) || at <= now ? undefined : at - now;
}

/**
 * The session id in the value of its header. A hop on the way may give the header twice, and then both values stand in
 * one: with the same in each, it is meant once.
 */
export function sessionIdIn(value: string | null): string | undefined {
  if (value === null) return undefined;
  const [first, ...others] = value.split(/\s*,\s+/);
  return others.every((each) => each === first) ? first : value;
}

/** A session id the server may issue: visible ASCII (MCP 2025-11-25, session management), bounded by us. */
export function isUsableSessionId(id: string, maxLength: number): boolean {
  return id.length <= maxLength && /^[\x21-\x7e]+$/.test(id);
}

const connectionHeaders = new Set([
  'accept',
  'connection',
  'content-length',
  'content-type',
  'host',
  LAST_EVENT_ID_HEADER,
  PROTOCOL_VERSION_HEADER,
  SESSION_ID_HEADER,
  'transfer-encoding',
]);

/** Whether a connection sets this header itself: a fixed value would break it (a fixed session id is how sessions get stuck). */
export function isConnectionHeader(name: string): boolean {
  return connectionHeaders.has(name.toLowerCase());
}
