import { describeError, isResilientMcpError, ResilientMcpError } from '../../protocol/errors.ts';
import { createEventStreamReader } from '../../protocol/event-stream.ts';
import { mediaType, retryAfterMs } from '../../protocol/headers.ts';
import {
  isErrorResponse,
  isMessage,
  isRequest,
  isResponse,
  type JSONRPCMessage,
  type Notification,
  type Request,
  type RequestId,
  type Response as RpcResponse,
} from '../../protocol/message.ts';
import { jsonRpcError, looksLikeLostSession, type Verdict, verdictOf } from '../../protocol/verdict.ts';
import type { Clock, Fetch } from '../environment.ts';
import type { Limits } from '../options.ts';
import type { Outcome, WireEvents } from '../wire.ts';
import { readHead, readWhole } from './body.ts';
import { interruptionOf } from './network-error.ts';

/** How long a stream may go on after its answer before it is cut. */
const STREAM_LINGER_MS = 500;

/** What one exchange needs. */
export interface ExchangeContext {
  readonly url: URL;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly events: WireEvents;
}

/** One POST to be made. */
export interface Post {
  readonly message: Request | Notification | RpcResponse;
  readonly headers: Headers;
  readonly init: RequestInit;
  readonly sentSessionId: boolean;
  readonly signal: AbortSignal;
  readonly onEventId?: ((id: string) => void) | undefined;
  /** Sees a good response before its body is read: `initialize` takes the session id from it. */
  readonly onResponse?: (response: Response) => void;
  /** Sees a 401, or a 403 for insufficient scope; may throw what the exchange then ends in. */
  readonly onChallenge?: (response: Response) => Promise<void>;
}

/** One POST and the whole of its answer, stream included. Never rejects. */
export async function exchange(context: ExchangeContext, post: Post): Promise<Outcome> {
  let response: Response;
  try {
    response = await context.fetch(context.url, {
      ...post.init,
      method: 'POST',
      headers: post.headers,
      body: JSON.stringify(post.message),
      signal: post.signal,
    });
  } catch (error) {
    return post.signal.aborted ? { kind: 'aborted' } : networkOutcome(error);
  }
  const requestId = isRequest(post.message) ? post.message.id : undefined;
  if (!response.ok) return refusal(context, post, response, requestId);
  post.onResponse?.(response);
  if (requestId === undefined || response.status === 202) {
    response.body?.cancel().catch(() => {});
    return { kind: 'accepted' };
  }
  const outcome = await readAnswer(context, response, requestId, post.signal, post.onEventId);
  return post.sentSessionId ? doubted(outcome) : outcome;
}

/**
 * Reads the answer to `requestId` from a 2xx response. Everything else that comes on its stream is handed up.
 * Shared by the POST that asked and by the GET that resumes its stream.
 */
export async function readAnswer(
  context: ExchangeContext,
  response: Response,
  requestId: RequestId,
  signal: AbortSignal,
  onEventId: ((id: string) => void) | undefined,
): Promise<Outcome> {
  const type = mediaType(response.headers.get('content-type'));
  try {
    if (type === 'text/event-stream') return await readStream(context, response, requestId, onEventId);
    if (type === 'application/json') return await readJson(context, response, requestId);
  } catch (error) {
    if (signal.aborted) return { kind: 'aborted' };
    if (isResilientMcpError(error)) return { kind: 'failed', error };
    return { kind: 'broken', because: describeError(error), cause: error };
  }
  response.body?.cancel().catch(() => {});
  return {
    kind: 'failed',
    error: new ResilientMcpError(
      'PROTOCOL_VIOLATION',
      `The server answered ${response.status} with content type "${type || 'none'}"; a request is answered with application/json or text/event-stream.`,
      { status: response.status },
    ),
  };
}

async function readJson(
  context: ExchangeContext,
  response: Response,
  requestId: RequestId,
): Promise<Outcome> {
  const text = await readWhole(response, context.limits.maxBodyBytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ResilientMcpError('PROTOCOL_VIOLATION', 'The answer is not JSON.', {
      cause: error,
      status: response.status,
    });
  }
  // A batch is legal in 2025-03-26.
  const answers = (Array.isArray(value) ? value : [value]).filter((each) =>
    deliver(context, each, requestId),
  );
  const answer = answers.find((each) => isAnswerTo(each, requestId));
  if (answer) return { kind: 'answered', response: answer };
  throw new ResilientMcpError(
    'PROTOCOL_VIOLATION',
    'The JSON answer does not answer the request that was sent.',
    {
      status: response.status,
      body: text.slice(0, 2048),
    },
  );
}

async function readStream(
  context: ExchangeContext,
  response: Response,
  requestId: RequestId,
  onEventId: ((id: string) => void) | undefined,
): Promise<Outcome> {
  let answer: RpcResponse | undefined;
  let lastEventId: string | undefined;
  let retryMs: number | undefined;
  const because = await readEvents(context, response, {
    onId: (id) => {
      lastEventId = id;
      onEventId?.(id);
    },
    onRetry: (ms) => {
      retryMs = ms;
    },
    onValue: (value) => {
      if (isAnswerTo(value, requestId)) answer ??= value;
      else deliver(context, value, requestId);
      return answer === undefined;
    },
  });
  if (answer) return { kind: 'answered', response: answer };
  return { kind: 'broken', because, lastEventId, retryMs };
}

interface EventSinks {
  readonly onId: (id: string) => void;
  readonly onRetry: (ms: number) => void;
  /** A JSON value of a `message` event; false: enough has been read. */
  readonly onValue: (value: unknown) => boolean;
}

/** Reads the events of a stream until it ends, breaks or enough was read; yields the reason, `''` for a good end. */
export async function readEvents(
  context: ExchangeContext,
  response: Response,
  sinks: EventSinks,
): Promise<string> {
  let enough = false;
  const events = createEventStreamReader({
    maxEventLength: context.limits.maxEventLength,
    onId: sinks.onId,
    onRetry: sinks.onRetry,
    onEvent: ({ data, event }) => {
      if (enough || data === '' || event !== 'message') return;
      const value = parseJson(context, data);
      if (value !== undefined && !sinks.onValue(value)) enough = true;
    },
  });
  const reader = response.body?.getReader();
  try {
    while (reader && !enough) {
      const { done, value } = await reader.read();
      if (done) return 'the stream ended before its answer';
      events.feed(value);
    }
    return '';
  } finally {
    if (reader) release(context, reader, enough);
  }
}

/**
 * Lets go of a stream. One that has given its answer is read on for a moment: it usually ends by itself, and then
 * its socket serves the next request instead of being torn down.
 */
function release(
  context: ExchangeContext,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  answered: boolean,
): void {
  const cancel = () => {
    reader.cancel().catch(() => {});
  };
  if (!answered) {
    cancel();
    return;
  }
  const stop = context.clock.after(STREAM_LINGER_MS, cancel, { background: true });
  const drain = async () => {
    while (!(await reader.read()).done);
  };
  drain().then(stop, stop);
}

function parseJson(context: ExchangeContext, data: string): unknown {
  try {
    return JSON.parse(data);
  } catch (error) {
    context.events.onWarning(
      new ResilientMcpError('PROTOCOL_VIOLATION', 'An event of the stream is not JSON; it was passed over.', {
        cause: error,
      }),
    );
    return undefined;
  }
}

/** Hands a message up, unless it is the awaited answer. True for the awaited answer. */
function deliver(context: ExchangeContext, value: unknown, requestId: RequestId): boolean {
  if (isAnswerTo(value, requestId)) return true;
  if (isMessage(value)) {
    context.events.onMessage(value as JSONRPCMessage);
  } else {
    context.events.onWarning(
      new ResilientMcpError(
        'PROTOCOL_VIOLATION',
        'The server sent something that is no JSON-RPC message; it was passed over.',
      ),
    );
  }
  return false;
}

/** An error with id null can only be about the one request that its answer belongs to. */
function isAnswerTo(value: unknown, requestId: RequestId): value is RpcResponse {
  return isResponse(value) && (value.id === requestId || (isErrorResponse(value) && value.id == null));
}

async function refusal(
  context: ExchangeContext,
  post: Post,
  response: Response,
  requestId: RequestId | undefined,
): Promise<Outcome> {
  const body = await readHead(response, context.limits.maxErrorBodyBytes);
  const verdict = verdictOf({
    method: 'POST',
    sentSessionId: post.sentSessionId,
    initialize: isRequest(post.message) && post.message.method === 'initialize',
    requestId,
    status: response.status,
    body,
    challenge: response.headers.get('www-authenticate'),
  });
  if (verdict.kind === 'authorization') await post.onChallenge?.(response);
  return outcomeOf(verdict, response, body, requestId, context.clock.now());
}

function outcomeOf(
  verdict: Verdict,
  response: Response,
  body: string,
  requestId: RequestId | undefined,
  now: number,
): Outcome {
  switch (verdict.kind) {
    case 'sessionLost':
      return { kind: 'lost', because: verdict.because };
    case 'unclear':
      return {
        kind: 'unclear',
        interruption: 'notExecuted',
        because: verdict.because,
        otherwise: refused(response, body, requestId, 'HTTP_STATUS'),
      };
    case 'unavailable':
      return {
        kind: 'unavailable',
        interruption: verdict.executed === 'no' ? 'notExecuted' : 'unknown',
        because: verdict.because,
        status: response.status,
        retryAfterMs: retryAfterMs(response.headers.get('retry-after'), now),
      };
    case 'authorization':
      return refused(response, body, undefined, 'UNAUTHORIZED');
    default:
      return refused(response, body, requestId, 'HTTP_STATUS');
  }
}

/** A final refusal: the JSON-RPC error that it holds when it names our request, else an error with the status. */
function refused(
  response: Response,
  body: string,
  requestId: RequestId | undefined,
  code: 'HTTP_STATUS' | 'UNAUTHORIZED',
): Outcome {
  const error = jsonRpcError(body);
  if (error && requestId !== undefined && error.id === requestId) {
    const { id, ...details } = error;
    return { kind: 'answered', response: { jsonrpc: '2.0', id, error: details } };
  }
  const words = error?.message ?? (/^\s*</.test(body) ? response.statusText : body.slice(0, 200).trim());
  return {
    kind: 'failed',
    error: new ResilientMcpError(
      code,
      `The server answered ${response.status}${words ? `: ${words}` : ''}.`,
      { status: response.status, body: body.slice(0, 2048) },
    ),
  };
}

/** A JSON-RPC error in strong session wording under status 200 is not yet an answer: a `ping` decides. */
function doubted(outcome: Outcome): Outcome {
  if (outcome.kind !== 'answered' || !isErrorResponse(outcome.response)) return outcome;
  const { error } = outcome.response;
  return looksLikeLostSession(error)
    ? {
        kind: 'unclear',
        interruption: 'notExecuted',
        because: `200: ${error.message.slice(0, 120)}`,
        otherwise: outcome,
      }
    : outcome;
}

export function networkOutcome(error: unknown): Outcome {
  if (isResilientMcpError(error)) return { kind: 'failed', error };
  const because = describeError(error);
  return interruptionOf(error) === 'notExecuted'
    ? { kind: 'unavailable', interruption: 'notExecuted', because, cause: error }
    : { kind: 'broken', because, cause: error };
}
