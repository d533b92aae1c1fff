import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { createEventStreamReader } from '../../protocol/events/event-stream.ts';
import { eventText } from '../../protocol/events/event-text.ts';
import { LAST_EVENT_ID_HEADER } from '../../protocol/http/headers.ts';
import { isResponse } from '../../protocol/message.ts';
import { lineOf } from '../../protocol/text/message-text.ts';
import { type HttpAnswer, type HttpRequest, isOk, withHeaders } from '../http.ts';
import { type Cursor, cursorOf, type EventLog, GET_STREAM, lost, type Missed } from './event-log.ts';
import { streamHeaders } from './event-stream.ts';

/** Called for a new event on a stream, or when the stream no longer has a writer. */
export type NewsListener = (news: 'event' | 'gone') => void;

/** Notifies followers of a stream. The mechanism depends on which process writes to it. */
export interface StreamNews {
  /**
   * Calls `listener` for each event of the stream, and with `gone` when it no longer has a writer.
   * @returns function that unsubscribes
   */
  follow(cursor: Cursor, listener: NewsListener): () => void;
}

export interface Resumption {
  readonly log: EventLog;
  readonly news: StreamNews;
  /** Lets the transport answer a GET without `Last-Event-ID`: with a new stream. */
  readonly open: (request: HttpRequest) => Promise<HttpAnswer>;
  /** Ends the stream that the transport still takes for open. */
  readonly replace: () => void;
}

/**
 * Answers a GET. With a `Last-Event-ID` that is still known, the client gets what it has missed on that stream, and
 * that stream alone (MCP 2025-11-25, resumability and redelivery). With one that is not, it gets a new stream: an error
 * would make most clients give their stream up in silence.
 */
export async function answerGet(
  request: HttpRequest,
  { log, news, open, replace }: Resumption,
): Promise<{ readonly answer: HttpAnswer; readonly isRest: boolean }> {
  const lastEventId = request.headers.get(LAST_EVENT_ID_HEADER);
  if (lastEventId === null) return { answer: await open(request), isRest: false };
  const cursor = cursorOf(lastEventId);
  const isKnown = cursor !== undefined && (await log.missed(cursor)) !== undefined;
  const takesStream = request.headers.get('accept')?.includes('text/event-stream');
  if (isKnown && cursor.stream !== GET_STREAM && takesStream) {
    const body = restOfAnswer(log, cursor, news);
    return { answer: { status: 200, headers: streamHeaders, body }, isRest: true };
  }
  // Its client would not come back for a stream that it still has.
  replace();
  const answer = await open(withHeaders(request, { [LAST_EVENT_ID_HEADER]: undefined }));
  const missed = isKnown && isOk(answer) ? await log.missed(cursor) : undefined;
  if (!missed || typeof answer.body !== 'object') return { answer, isRest: false };
  return { answer: { ...answer, body: withMissed(answer.body, missed) }, isRest: false };
}

const encoder = new TextEncoder();
/** Maximum length of an inspected event of a live stream, in characters. */
const MAX_EVENT_LENGTH = 64 * 1024 * 1024;

/**
 * The rest of the answer to a POST: missed events, then new ones, until the last answer. Requests whose
 * process is gone are answered with an error: their clients would otherwise wait until they time out.
 */
function restOfAnswer(log: EventLog, cursor: Cursor, news: StreamNews): ReadableStream<Uint8Array> {
  const open = new Set(cursor.open);
  let { entry } = cursor;
  let unfollow = () => {};
  let isGone = false;
  // Woken before it sleeps, it does not sleep.
  let wake = Promise.withResolvers<void>();
  return new ReadableStream<Uint8Array>({
    start() {
      unfollow = news.follow(cursor, (what) => {
        isGone ||= what === 'gone';
        wake.resolve();
      });
    },
    async pull(controller) {
      for (;;) {
        const wasGone = isGone;
        const woken = wake.promise;
        const missed = await log.missed({ entry, stream: cursor.stream });
        if (missed) entry = missed.entry;
        for (const { id, message } of note(open, missed)) controller.enqueue(event(message, id));
        if (!missed || wasGone) for (const id of open) controller.enqueue(event(lost(id, outcomeUnknown)));
        if (!missed || wasGone || open.size === 0) {
          unfollow();
          controller.close();
          return;
        }
        if (missed.events.length > 0) return;
        await woken;
        wake = Promise.withResolvers<void>();
      }
    },
    cancel() {
      unfollow();
      isGone = true;
      wake.resolve();
    },
  });
}

/** A GET stream that begins with what its client has missed on the last one. `live` was opened before `missed` was read. */
function withMissed(live: ReadableStream<Uint8Array>, missed: Missed): ReadableStream<Uint8Array> {
  const replayed = new Set(missed.events.map(({ id }) => id));
  let id: string | undefined;
  const onId = (read: string) => {
    id = read;
  };
  const reader = createEventStreamReader({ maxEventLength: MAX_EVENT_LENGTH, onEvent: () => {}, onId });
  const onlyNew = new TransformStream<Uint8Array, Uint8Array>(
    {
      start(controller) {
        for (const { id, message } of missed.events) controller.enqueue(event(message, id));
      },
      transform(chunk, controller) {
        id = undefined;
        // Each transport writes an event in one piece.
        reader.feed(chunk);
        if (id === undefined || !replayed.delete(id)) controller.enqueue(chunk);
      },
    },
    undefined,
    { highWaterMark: Number.MAX_SAFE_INTEGER },
  );
  return live.pipeThrough(onlyNew);
}

const outcomeUnknown =
  'The server stopped while this request was under way. It may or may not have run; it was not run again.';

/** The missed events, with what they mean for the requests that are still open. */
function note(open: Set<RequestId>, missed: Missed | undefined): Missed['events'] {
  for (const id of missed?.asked ?? []) open.add(id);
  for (const { message } of missed?.events ?? []) {
    if (isResponse(message) && message.id != null) open.delete(message.id);
  }
  return missed?.events ?? [];
}

function event(message: JSONRPCMessage, id?: string): Uint8Array {
  return encoder.encode(eventText(lineOf(message), id));
}
