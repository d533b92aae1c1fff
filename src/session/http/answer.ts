import type { ScannedMessage } from '../../protocol/envelope-scan.ts';
import { isResilientMcpError, ResilientMcpError } from '../../protocol/errors.ts';
import { createEventStreamReader, type EventStreamReader } from '../../protocol/event-stream.ts';
import { mediaType } from '../../protocol/headers.ts';
import {
  isErrorResponse,
  isMessage,
  isResponse,
  isSameId,
  type JSONRPCMessage,
  type RequestId,
  type Response as RpcResponse,
} from '../../protocol/message.ts';
import type { Clock } from '../environment.ts';
import type { Limits } from '../options.ts';
import type { Outcome, WireEvents } from '../wire.ts';
import { readHead, readWhole } from './body.ts';
import type { HttpBodyReader, HttpClient, HttpResponse } from './http-client.ts';
import { describeNetworkError } from './network-error.ts';

/** How long a stream may go on after its answer before it is cut. */
const STREAM_LINGER_MS = 500;

/** How much of a page is kept that came in the place of an answer, in bytes. */
const MAX_PAGE_BYTES = 2048;

/** What one exchange needs. */
export interface ExchangeContext {
  readonly url: URL;
  readonly fetch: HttpClient;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly events: WireEvents;
}

/** Which answer is awaited, and who is told of its arrival. */
export interface AwaitedAnswer {
  readonly requestId: RequestId;
  readonly signal: AbortSignal;
  readonly onEventId?: ((id: string) => void) | undefined;
  /** Something arrived: the head, or a chunk of the body. */
  readonly onHeard?: (() => void) | undefined;
}

/**
 * Reads the answer to `requestId` from a 2xx response. Everything else that comes on its stream is handed up.
 * Shared by the POST that asked and by the GET that resumes its stream.
 */
export async function readAnswer(
  context: ExchangeContext,
  response: HttpResponse,
  awaited: AwaitedAnswer,
): Promise<Outcome> {
  awaited.onHeard?.();
  const type = mediaType(response.headers.get('content-type'));
  try {
    if (type === 'text/event-stream') return await readStream(context, response, awaited);
    if (type === 'application/json') return await readJson(context, response, awaited);
  } catch (error) {
    if (awaited.signal.aborted) return { kind: 'aborted' };
    if (isResilientMcpError(error)) return { kind: 'failed', error };
    return { kind: 'broken', because: describeNetworkError(error), status: response.status, cause: error };
  }
  // A page that stands in the place of an answer says whose it is.
  const isPage = type === 'text/html';
  const { clock, limits } = context;
  const head = { maxBytes: MAX_PAGE_BYTES, maxMs: limits.maxErrorBodyMs, clock };
  const body = isPage ? await readHead(response, head) : undefined;
  if (!isPage) response.body?.cancel().catch(() => {});
  return {
    kind: 'failed',
    error: new ResilientMcpError(
      'PROTOCOL_VIOLATION',
      `The server answered ${response.status} with content type "${type || 'none'}"; a request is answered with application/json or text/event-stream.`,
      { status: response.status, body },
    ),
  };
}

async function readJson(
  context: ExchangeContext,
  response: HttpResponse,
  { requestId, onHeard }: AwaitedAnswer,
): Promise<Outcome> {
  const text = await readWhole(response, context.limits.maxBodyBytes, onHeard);
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
  let answer: RpcResponse | undefined;
  for (const each of messagesOf(value)) {
    const found = answerTo(each, requestId);
    if (found) answer ??= found;
    else deliver(context, each, requestId);
  }
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
  response: HttpResponse,
  { requestId, onEventId, onHeard }: AwaitedAnswer,
): Promise<Outcome> {
  let answer: RpcResponse | undefined;
  let lastEventId: string | undefined;
  let retryMs: number | undefined;
  const because = await readEvents(context, response, {
    onHeard,
    onId: (id) => {
      lastEventId = id;
      onEventId?.(id);
    },
    onRetry: (ms) => {
      retryMs = ms;
    },
    onValue: (value) => {
      const found = answerTo(value, requestId);
      if (found) answer ??= found;
      else deliver(context, value, requestId);
      return answer === undefined;
    },
    onRest: (value) => {
      answer ??= answerTo(value, requestId);
    },
  }).catch((error: unknown) => {
    if (!answer) throw error;
    return '';
  });
  if (answer) return { kind: 'answered', response: answer };
  return { kind: 'broken', because, status: response.status, lastEventId, retryMs };
}

interface EventSinks {
  readonly onHeard?: (() => void) | undefined;
  readonly onId: (id: string) => void;
  readonly onRetry: (ms: number) => void;
  /** See `EventStreamOptions`. */
  readonly onTooLong?: (message: ScannedMessage, error: ResilientMcpError) => void;
  /** One of the messages of a `message` event; false: enough has been read. */
  readonly onValue: (value: unknown) => boolean;
  /** The same of the last event, where the stream ended before the blank line that makes it one. */
  readonly onRest?: (value: unknown) => void;
}

/** Reads the events of a stream until it ends, breaks or enough was read; yields the reason, `''` for a good end. */
export async function readEvents(
  context: ExchangeContext,
  response: HttpResponse,
  sinks: EventSinks,
): Promise<string> {
  let enough = false;
  const events = createEventStreamReader({
    maxEventLength: context.limits.maxEventLength,
    onId: sinks.onId,
    onRetry: sinks.onRetry,
    ...(sinks.onTooLong && { onTooLong: sinks.onTooLong }),
    onEvent: ({ data, event }) => {
      if (enough || data === '' || event !== 'message') return;
      for (const value of messagesOf(parseJson(context, data))) if (!sinks.onValue(value)) enough = true;
    },
  });
  const reader = response.body?.getReader();
  try {
    while (reader && !enough) {
      const { value } = await reader.read();
      if (!value) return 'the stream ended before its answer';
      sinks.onHeard?.();
      events.feed(value);
    }
    return '';
  } finally {
    if (!enough && sinks.onRest) for (const value of restOf(events)) sinks.onRest(value);
    if (reader) release(context, reader, enough);
  }
}

/**
 * Lets go of a stream. One that has given its answer is read on for a moment: it usually ends by itself, and then
 * its socket serves the next request instead of being torn down.
 */
function release(context: ExchangeContext, reader: HttpBodyReader, answered: boolean): void {
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

/** The messages of a body or of an event: one, or a batch, which is legal in 2025-03-26. */
function messagesOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** What the last event holds without its blank line, if that is whole: JSON that was cut short is no JSON. */
function restOf(events: EventStreamReader): readonly unknown[] {
  const rest = events.rest();
  try {
    return rest?.event === 'message' ? messagesOf(JSON.parse(rest.data)) : [];
  } catch {
    return [];
  }
}

/** Hands a message up. */
function deliver(context: ExchangeContext, value: unknown, requestId: RequestId): void {
  if (isMessage(value)) {
    context.events.onMessage(value as JSONRPCMessage, requestId);
  } else {
    context.events.onWarning(
      new ResilientMcpError(
        'PROTOCOL_VIOLATION',
        'The server sent something that is no JSON-RPC message; it was passed over.',
      ),
    );
  }
}

/**
 * The answer to a request, under the request's own id; undefined when the value is none. An error with id null can
 * only be about the one request that its answer belongs to.
 */
function answerTo(value: unknown, requestId: RequestId): RpcResponse | undefined {
  if (!isResponse(value)) return undefined;
  if (value.id === requestId) return value;
  const isMeant = isSameId(value.id, requestId) || (isErrorResponse(value) && value.id == null);
  return isMeant ? { ...value, id: requestId } : undefined;
}
