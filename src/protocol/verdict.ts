import { type ErrorResponse, isErrorResponse, isSameId, type RequestId } from './message.ts';
import { readMessages } from './text/message-text.ts';

/**
 * What an HTTP answer means for the session. One pure function, `verdictOf`, with the clause or the server that made
 * each branch necessary. "Spec" is MCP 2025-11-25, basic/transports, session management.
 *
 * The status alone is the spec's signal, and only on a request that carried a session id: 404, start a new session.
 * Everything else here exists because servers in use say it differently.
 */
export type Verdict =
  /** 2xx with a body that answers, or will answer, the request. */
  | { readonly kind: 'answered' }
  /** 2xx without a body: a notification or response was taken. */
  | { readonly kind: 'accepted' }
  /**
   * The session is lost. Refused before execution, so every request may be sent again. `byWords`: decided by the
   * wording of the body too, not by the status alone.
   */
  | { readonly kind: 'sessionLost'; readonly byWords: boolean; readonly because: string }
  /**
   * Possibly a lost session: one `ping` on the same session decides. `outright`: the body says that the session is
   * unknown, but the status does not.
   */
  | { readonly kind: 'unclear'; readonly outright: boolean; readonly because: string }
  /**
   * 401, or 403 for insufficient scope. `isUnchallenged`: a 401 to a request with a session id, without the required
   * challenge (RFC 9110, 15.5.2). Some servers answer an unknown session like this.
   */
  | { readonly kind: 'authorization'; readonly isUnchallenged: boolean; readonly because: string }
  /** The server is busy or unreachable; the session is kept. */
  | { readonly kind: 'unavailable'; readonly executed: 'no' | 'unknown'; readonly because: string }
  /** GET only: the server offers no GET stream. */
  | { readonly kind: 'streamNotOffered' }
  /** Refused for another reason. Final. */
  | { readonly kind: 'rejected'; readonly because: string };

/** One HTTP answer, with the properties of its request that the verdict depends on. */
export interface HttpAnswer {
  readonly method: 'POST' | 'GET' | 'DELETE';
  /** Whether the request carried a session id. Without one, no session can have been lost. */
  readonly sentSessionId: boolean;
  /** Whether the request was `initialize`, which never carries an id. */
  readonly initialize: boolean;
  /** Whether the GET carried `Last-Event-ID`. */
  readonly resuming?: boolean;
  /** The id of the JSON-RPC request in the POST body, if it was a request. */
  readonly requestId?: RequestId | undefined;
  readonly status: number;
  /** The first few KiB of the body as text; empty for a 2xx that has not been read. */
  readonly body: string;
  /** The `WWW-Authenticate` header. */
  readonly challenge: string | null;
}

/** Session wording, as found in the answers of the servers in docs/protocol.md, and nothing wider. */
const SESSION_WORDING = new RegExp(
  [
    /\b(?:no valid|invalid|unknown|expired|missing|stale)\b.{0,24}\bsession/,
    /session.{0,48}(?:not found|does(?:n't| not) exist|no longer|expired|terminated|invalid|required|unknown|not initialized|not supported in stateless|could not be found|mismatch)/,
    /(?:server|session) (?:is )?not initialized/,
    /mcp-session-id.{0,60}(?:required|missing|unknown|invalid|valid uuid|not supported)/,
    /no (?:valid )?session/,
    /new session can only/,
    /session is clos/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'i',
);

/**
 * What SDKs say under 400 of a session that they do not know, whole and word for word: no tool says so of sessions of
 * its own. Everything else that only holds such words has a ping decide.
 */
const WELL_KNOWN = new RegExp(
  `^(?:(?:bad request|invalid request|not found): )?(?:${[
    'no valid session(?: id)?(?: provided)?',
    '(?:invalid|missing|unknown|expired|invalid or missing|invalid or expired) session(?: id)?(?:: \\S+)?',
    'session(?: id)?(?: is)? (?:required|not found|not initialized|terminated|expired)',
    'session(?: has been terminated| not found or has expired)',
    'server not initialized',
    '(?:missing )?mcp-session-id header(?: is required| must be a valid uuid)?',
    'session id required in mcp-session-id header',
    'a valid session id is required for non-initialize requests',
    '(?:a )?new session can only be created by an initialize request',
    'the mcp-session-id header is not supported in stateless mode',
  ].join('|')})(?: \\(simulated\\))?(?:[.!]|$)`,
  'i',
);

/** Wording that shows a 400 to be about something else, even where it also says "session". */
const OTHER_WORDING =
  /protocol.?version|parse error|already initialized|\bbatch|not acceptable|content-?type|event id|last-event-id|too many open sessions|event store/i;

const VERSION_WORDING = /(?:unsupported|invalid|bad|unknown).{0,24}protocol.?version/i;

/** Strong wording: says outright that the session is unknown. Used where the status says something else. */
const STRONG_WORDING =
  /\bsession (?:id )?(?:[\w'"-]{0,64} )?(?:not found|(?:has )?expired|(?:was |has been )?terminated|does not exist|could not be found|no longer exists)|\b(?:unknown|invalid|expired|no valid|no such) session\b|no longer exists on the server/i;

/**
 * Envoy's 503 for a request that it had passed on when the server's connection broke. Where the connection was never
 * made ("connection failure", "overflow") the request did not get there.
 */
const CUT_UPSTREAM = /disconnect\/reset before headers(?!.*(?:connection failure|overflow))/i;

/** Errors of the stateless era (2026-07-28), where a 400 speaks of version, headers or capabilities. */
const STATELESS_ERA_ERRORS: ReadonlySet<number> = new Set([-32020, -32021, -32022]);

const METHOD_NOT_FOUND = -32601;

/** The verdict on one answer. Total: every status has one. */
export function verdictOf(answer: HttpAnswer): Verdict {
  if (answer.status >= 200 && answer.status < 300) {
    return answer.status === 202 || answer.status === 204 ? { kind: 'accepted' } : { kind: 'answered' };
  }
  if (answer.method === 'GET') return verdictOnGet(answer);
  // DELETE: whatever is said, the session is no longer ours (405: not offered; 404: already gone).
  if (answer.method === 'DELETE') return rejected(answer);
  const general = verdictOnStatus(answer);
  if (general) return general;
  // Without an id this is a wrong path, a proxy, an HTTP+SSE server or a refused handshake; never a lost session.
  if (!answer.sentSessionId || answer.initialize) return rejected(answer);
  return verdictOnSession(answer);
}

/**
 * Whether a JSON-RPC error that came with status 200 says outright that the session is unknown. Some servers answer
 * so (actionhero/keryx#503, aklivity/zilla#2525, php-sdk); a `ping` decides, since a tool may speak of sessions too.
 */
export function looksLikeLostSession(error: { readonly code: number; readonly message: string }): boolean {
  return STRONG_WORDING.test(error.message) && !OTHER_WORDING.test(error.message);
}

/** 404, 405 and 400 on the optional GET say "no stream here" on many servers (claude-code#62198): hints, no more. */
function verdictOnGet(answer: HttpAnswer): Verdict {
  const { status } = answer;
  if (status === 405 || status === 501) return { kind: 'streamNotOffered' };
  if (status === 401 || (status === 403 && isScopeChallenge(answer))) {
    return answer.challenge === null && SESSION_WORDING.test(answer.body) && answer.sentSessionId
      ? { kind: 'unclear', outright: true, because: because(answer) } // rmcp <= 0.16
      : { kind: 'authorization', isUnchallenged: false, because: because(answer) };
  }
  // The resume token was refused, not the session (TS SDK "Invalid event ID format", Go "malformed Last-Event-ID").
  if (answer.resuming && status === 400 && OTHER_WORDING.test(answer.body)) return rejected(answer);
  if (status === 404 || status === 400 || status === 410) {
    return answer.sentSessionId
      ? { kind: 'unclear', outright: false, because: because(answer) }
      : { kind: 'streamNotOffered' };
  }
  if (isTransient(status) || status === 409) {
    return { kind: 'unavailable', executed: 'no', because: because(answer) };
  }
  return { kind: 'streamNotOffered' };
}

/** Statuses that mean the same with and without a session. */
function verdictOnStatus(answer: HttpAnswer): Verdict | undefined {
  const { status } = answer;
  const strong = answer.sentSessionId && !answer.initialize && STRONG_WORDING.test(answer.body);
  if (status === 401) {
    // rmcp <= 0.16 and others answer 401 for an unknown session, without a challenge (rust-sdk#689, codex#46158).
    if (strong && answer.challenge === null) {
      return { kind: 'unclear', outright: true, because: because(answer) };
    }
    const isUnchallenged = answer.challenge === null && answer.sentSessionId && !answer.initialize;
    return { kind: 'authorization', isUnchallenged, because: because(answer) };
  }
  if (status === 403 && isScopeChallenge(answer)) {
    return { kind: 'authorization', isUnchallenged: false, because: because(answer) };
  }
  if (status === 403 || status === 500 || status === 503) {
    // 403 "session not found" (LanternOps/breeze#4256), 503 for an unknown session (neotoma#1923), 500 around a 400
    // (punkpeye/fastmcp#121).
    if (strong) return { kind: 'unclear', outright: true, because: because(answer) };
  }
  // Some servers fail on an unknown id without saying so. Other failures look the same.
  if (status === 500 && answer.sentSessionId && !answer.initialize) {
    return { kind: 'unclear', outright: false, because: because(answer) };
  }
  if (isTransient(status)) {
    // 408, 425, 429 and 503 refuse before execution (RFC 9110, RFC 8470, RFC 6585), and no MCP server is known that
    // runs
    // a call and then answers so. Behind a gateway that answers in the server's place the request may have run.
    const isGateways = isFromGateway(status) || CUT_UPSTREAM.test(answer.body);
    const executed = isGateways ? 'unknown' : 'no';
    return { kind: 'unavailable', executed, because: because(answer) };
  }
  return undefined;
}

function verdictOnSession(answer: HttpAnswer): Verdict {
  const error = jsonRpcError(answer.body);
  if (answer.status === 404) {
    // Stateless-era servers answer 404 for an unknown method, our id echoed. Otherwise the status decides (spec); but
    // what answers our request without a word of a session may mean another thing that was not found.
    const isAnswer = error !== undefined && isOurs(error.id, answer) && !/session/i.test(error.message);
    return isAnswer && error.code === METHOD_NOT_FOUND ? rejected(answer) : lost(answer, isAnswer);
  }
  if (answer.status === 410) return lost(answer); // typescript-sdk#1402
  if (answer.status === 403 || answer.status === 422)
    return { kind: 'unclear', outright: false, because: because(answer) };
  if (answer.status !== 400) return rejected(answer);
  if (error && STATELESS_ERA_ERRORS.has(error.code)) return rejected(answer);
  // A server that came back older refuses the version we agreed on with its successor; a new handshake cures it.
  if (VERSION_WORDING.test(answer.body))
    return { kind: 'unclear', outright: false, because: because(answer) };
  if (OTHER_WORDING.test(answer.body)) return rejected(answer);
  // TS SDK examples <= 1.31, Python SDK <= 1.25, mcp-go < 2026 and many more say 400 for an unknown session. Under our
  // own id it may be a tool's word on sessions of its own.
  const isAnswer = error !== undefined && isOurs(error.id, answer);
  const isWellKnown = WELL_KNOWN.test(wordsOf(answer));
  if (isWellKnown && !isAnswer) return lost(answer, true);
  return { kind: 'unclear', outright: isWellKnown, because: because(answer) };
}

const lost = (answer: HttpAnswer, byWords = false): Verdict => ({
  kind: 'sessionLost',
  byWords,
  because: because(answer),
});

const isOurs = (id: unknown, answer: HttpAnswer) =>
  id !== undefined && id !== null && isSameId(id, answer.requestId);

const isScopeChallenge = (answer: HttpAnswer) => /insufficient_scope/.test(answer.challenge ?? '');

/** Whether a status says that the server is away or busy, in its own words or those of a gateway. */
export function isUnavailable(status: number): boolean {
  return status === 503 || isFromGateway(status);
}

function isTransient(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || isUnavailable(status);
}

/**
 * 502, 504, and what Cloudflare says in their place of an origin or a tunnel that it does not reach (520 to 524,
 * 530).
 */
function isFromGateway(status: number): boolean {
  return status === 502 || status === 504 || (status >= 520 && status <= 524) || status === 530;
}

const rejected = (answer: HttpAnswer): Verdict => ({ kind: 'rejected', because: because(answer) });

/** The words of an answer, in one line. */
function wordsOf({ body }: HttpAnswer): string {
  const message = jsonRpcError(body)?.message ?? serializedMessage(body);
  return (message ?? (/^\s*</.test(body) ? '' : body)).replace(/\s+/g, ' ').trim();
}

/** `404: Session not found` — the status and the words of the answer, short enough for a tooltip. */
function because(answer: HttpAnswer): string {
  const text = wordsOf(answer);
  return text ? `${answer.status}: ${text.slice(0, 120)}` : String(answer.status);
}

/**
 * The message of an exception that was serialised with its stack (java-sdk, `McpError`). It comes first; the whole is
 * often longer than what is read of a refusal, so it is not parsed.
 */
function serializedMessage(body: string): string | undefined {
  const text = /^\{"jsonRpcError":\{"code":-?\d+,"message":("(?:[^"\\]|\\.)*")/.exec(body)?.[1];
  try {
    return text === undefined ? undefined : (JSON.parse(text) as string);
  } catch {
    return undefined;
  }
}

/** The JSON-RPC error in a body: as JSON, or framed as an event of a stream (claude-code#55970). */
export function errorResponseIn(body: string): ErrorResponse | undefined {
  const framed = /^data: ?(\{.*\})\s*$/m.exec(body)?.[1];
  try {
    const [read] = readMessages(framed ?? body);
    return isErrorResponse(read?.message) ? read.message : undefined;
  } catch {
    return undefined;
  }
}

/** What it says, and about which request. */
export function jsonRpcError(body: string): (ErrorResponse['error'] & Pick<ErrorResponse, 'id'>) | undefined {
  const response = errorResponseIn(body);
  return response && { ...response.error, id: response.id };
}
