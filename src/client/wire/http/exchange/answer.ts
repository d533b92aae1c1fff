import type { HttpBodyReader, HttpResponse } from '../../../../base/http-client.ts';
import { isResilientMcpError, ResilientMcpError } from '../../../../protocol/errors.ts';
import { createEventStreamReader, type EventStreamReader } from '../../../../protocol/events/event-stream.ts';
import { mediaType } from '../../../../protocol/http/headers.ts';
import {
  isErrorResponse,
  isResponse,
  isSaid,
  isSameId,
  type RequestId,
  type Response as RpcResponse,
} from '../../../../protocol/message.ts';
import { answered, type Outcome } from '../../../../protocol/outcome.ts';
import type { ScannedMessage } from '../../../../protocol/text/envelope-scan.ts';
import { type ReadMessage, readMessages, withId } from '../../../../protocol/text/message-text.ts';
import { readHead, readWhole } from '../body.ts';
import { HeldBytes } from '../held-bytes.ts';
import { describeNetworkError } from '../network-error.ts';
import type { ExchangeContext, HttpExchange } from './http-exchange.ts';

/** How long a stream may go on after its answer before it is cut. */
const STREAM_LINGER_MS = 500;

/** How much of a page is kept that came in the place of an answer, in bytes. */
const MAX_PAGE_BYTES = 2048;

const LINE_FEED = 0x0a;
const COLON = 0x3a;

/**
 * Reads the answer to `requestId` from a 2xx response. Everything else that comes on its stream is handed up.
 * Shared by the POST that asked and by the GET that resumes its stream.
 */
export async function readAnswer(
  context: ExchangeContext,
  response: HttpResponse,
  exchange: HttpExchange,
  requestId: RequestId,
): Promise<Outcome> {
  const { onHeard, onStream } = exchange.options;
  onHeard?.();
  const type = mediaType(response.headers.get('content-type'));
  try {
    if (type === 'text/event-stream') {
      onStream?.();
      return await readStream(context, response, exchange, requestId);
    }
    if (type === 'application/json') return await readJson(context, response, requestId, onHeard);
  } catch (error) {
    if (exchange.options.signal.aborted) return { kind: 'aborted' };
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
  requestId: RequestId,
  onHeard: (() => void) | undefined,
): Promise<Outcome> {
  const { maxBodyBytes, maxHeldBytes } = context.limits;
  const text = await readWhole(response, maxBodyBytes, { onHeard, held: new HeldBytes(maxHeldBytes) });
  let messages: readonly ReadMessage[];
  try {
    messages = readMessages(text);
  } catch (error) {
    throw new ResilientMcpError('PROTOCOL_VIOLATION', 'The answer is not JSON.', {
      cause: error,
      status: response.status,
    });
  }
  let answer: Outcome | undefined;
  for (const each of messages) {
    const found = answerTo(each, requestId);
    if (found) answer ??= found;
    else deliver(context, each, requestId);
  }
  if (answer) return answer;
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
  exchange: HttpExchange,
  requestId: RequestId,
): Promise<Outcome> {
  let answer: Outcome | undefined;
  let lastEventId: string | undefined;
  let retryMs: number | undefined;
  const because = await readEvents(context, response, {
    onHeard: exchange.options.onHeard,
    onId: (id) => {
      lastEventId = id;
      exchange.hasEventId = true;
      exchange.options.onEventId?.(id);
    },
    onRetry: (ms) => {
      retryMs = ms;
    },
    onMessage: (message) => {
      const found = answerTo(message, requestId);
      if (found) answer ??= found;
      else deliver(context, message, requestId);
      return answer === undefined;
    },
    onRest: (message) => {
      answer ??= answerTo(message, requestId);
    },
  }).catch((error: unknown) => {
    if (!answer) throw error;
    return '';
  });
  if (answer) return answer;
  return { kind: 'broken', because, status: response.status, lastEventId, retryMs };
}

interface EventSinks {
  readonly onHeard?: (() => void) | undefined;
  readonly onId: (id: string) => void;
  readonly onRetry: (ms: number) => void;
  /** See `EventStreamOptions`. */
  readonly onTooLong?: (message: ScannedMessage, error: ResilientMcpError) => void;
  /** One of the messages of a `message` event; false: enough has been read. */
  readonly onMessage: (message: ReadMessage) => boolean;
  /** The same of the last event, where the stream ended before the blank line that makes it one. */
  readonly onRest?: (message: ReadMessage) => void;
}

/** Reads the events of a stream until it ends, breaks or enough was read; yields the reason, `''` for a good end. */
export async function readEvents(
  context: ExchangeContext,
  response: HttpResponse,
  sinks: EventSinks,
): Promise<string> {
  let enough = false;
  const held = new HeldBytes(context.limits.maxHeldBytes);
  const events = createEventStreamReader({
    maxEventLength: context.limits.maxEventLength,
    onId: sinks.onId,
    onRetry: sinks.onRetry,
    ...(sinks.onTooLong && { onTooLong: sinks.onTooLong }),
    onEvent: ({ data, event }) => {
      held.release();
      if (enough || data === '' || event !== 'message') return;
      for (const message of messagesIn(context, data)) if (!sinks.onMessage(message)) enough = true;
    },
  });
  const reader = response.body?.getReader();
  try {
    while (reader && !enough) {
      const { value } = await reader.read();
      if (!value) return 'the stream ended before its answer';
      sinks.onHeard?.();
      held.add(value.byteLength);
      events.feed(value);
      if (endsBetweenEvents(value)) held.release();
    }
    return '';
  } finally {
    held.release();
    if (!enough && sinks.onRest) for (const message of restOf(events)) sinks.onRest(message);
    if (reader) release(context, reader, enough);
  }
}

/** Whether nothing of an event is left open, as after most comments, which go on for as long as a stream does. */
function endsBetweenEvents(chunk: Uint8Array): boolean {
  const [last, before, third] = [chunk.at(-1), chunk.at(-2), chunk.at(-3)];
  const isBlankLine = last === LINE_FEED && (before === LINE_FEED || third === LINE_FEED);
  return isBlankLine || (last === LINE_FEED && chunk[0] === COLON);
}

/**
 * Lets go of a stream. One that has given its answer is read on for a moment: it usually ends by itself, and then
 * its socket serves the next request instead of being torn down.
 */
function release(context: ExchangeContext, reader: HttpBodyReader, answered: boolean): void {
  if (reader.isWhole) return;
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

function messagesIn(context: ExchangeContext, data: string): readonly ReadMessage[] {
  try {
    return readMessages(data);
  } catch (error) {
    context.events.onWarning(
      new ResilientMcpError('PROTOCOL_VIOLATION', 'An event of the stream is not JSON; it was passed over.', {
        cause: error,
      }),
    );
    return [];
  }
}

/** What the last event holds without its blank line, if that is whole: JSON that was cut short is no JSON. */
function restOf(events: EventStreamReader): readonly ReadMessage[] {
  const rest = events.rest();
  try {
    return rest?.event === 'message' ? readMessages(rest.data) : [];
  } catch {
    return [];
  }
}

/** Hands a message up. */
export function deliver({ events }: ExchangeContext, read: ReadMessage, requestId?: RequestId): void {
  const { message, problem } = read;
  if (isSaid(message)) events.onMessage(message, requestId);
  else if (problem && read.id !== undefined) events.onTooLong(read, problem);
  else {
    const words = 'The server sent something that is no JSON-RPC message; it was passed over.';
    events.onWarning(problem ?? new ResilientMcpError('PROTOCOL_VIOLATION', words));
  }
}

/**
 * The end of a request, if a message answers it. An answer that could not be read is one too. An error with id null can
 * only be about the one request that its answer belongs to.
 */
function answerTo(read: ReadMessage, requestId: RequestId): Outcome | undefined {
  if (read.problem) {
    const isOurs = read.isAnswer && isSameId(read.id, requestId);
    return isOurs ? { kind: 'failed', error: read.problem } : undefined;
  }
  const response = responseTo(read.message, requestId);
  return response && answered(response);
}

/** The answer, under the request's own id. */
function responseTo(message: object, requestId: RequestId): RpcResponse | undefined {
  if (!isResponse(message)) return undefined;
  if (message.id === requestId) return message;
  const isMeant = isSameId(message.id, requestId) || (isErrorResponse(message) && message.id == null);
  return isMeant ? withId(message, requestId) : undefined;
}
