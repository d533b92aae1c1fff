import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { LAST_EVENT_ID_HEADER } from '../../protocol/headers.ts';
import { isResponse } from '../../protocol/message.ts';
import { lineOf } from '../../protocol/message-text.ts';
import type { NewsListener } from '../replicas/remote-streams.ts';
import { type Cursor, cursorOf, type EventLog, GET_STREAM, lost, type Missed } from './event-log.ts';

/** Tells a follower of news on a stream: how, depends on which process writes to it. */
export interface StreamNews {
  /**
   * Calls `listener` at each event of the stream, and with `gone` when nobody writes to it any more.
   * @returns what ends that
   */
  follow(cursor: Cursor, listener: NewsListener): () => void;
}

export interface Resumption {
  readonly log: EventLog;
  readonly news: StreamNews;
  /** Lets the SDK's transport answer a GET without `Last-Event-ID`: with a new stream. */
  readonly open: (request: Request) => Promise<Response>;
  /** Ends the stream that the SDK's transport still takes for open. */
  readonly replace: () => void;
}

/**
 * Answers a GET. With a `Last-Event-ID` that is still known, the client gets what it has missed on that stream, and
 * that stream alone (MCP 2025-11-25, resumability and redelivery). With one that is not, it gets a new stream: an error
 * would make most clients give their stream up in silence.
 */
export async function resume(
  request: Request,
  { log, news, open, replace }: Resumption,
): Promise<{ readonly response: Response; readonly isRest: boolean }> {
  const lastEventId = request.headers.get(LAST_EVENT_ID_HEADER);
  if (lastEventId === null) return { response: await open(request), isRest: false };
  const { url, signal } = request;
  const headers = new Headers(request.headers);
  headers.delete(LAST_EVENT_ID_HEADER);
  const plain = new Request(url, { headers, signal });
  const cursor = cursorOf(lastEventId);
  const isKnown = cursor !== undefined && (await log.missed(cursor)) !== undefined;
  if (
    isKnown &&
    cursor.stream !== GET_STREAM &&
    request.headers.get('accept')?.includes('text/event-stream')
  ) {
    return {
      response: new Response(restOfAnswer(log, cursor, news), { headers: streamHeaders }),
      isRest: true,
    };
  }
  // Its client would not come back for a stream that it still has.
  replace();
  const response = await open(plain);
  const missed = isKnown && response.ok ? await log.missed(cursor) : undefined;
  if (!missed || !response.body) return { response, isRest: false };
  const body = withMissed(response.body, missed);
  return { response: new Response(body, { headers: response.headers }), isRest: false };
}

const streamHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The rest of the answer to a POST: what its client has missed, then what comes, until the last answer. Requests whose
 * process is gone are answered with an error that says so: their clients would otherwise wait until they time out, for
 * an answer that nobody will ever write.
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
  const onlyNew = new TransformStream<Uint8Array, Uint8Array>(
    {
      start(controller) {
        for (const { id, message } of missed.events) controller.enqueue(event(message, id));
      },
      transform(chunk, controller) {
        // The SDK writes each event in one piece.
        const id = /^id: (.+)$/m.exec(decoder.decode(chunk))?.[1];
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
  const name = id === undefined ? '' : `id: ${id}\n`;
  return encoder.encode(`event: message\n${name}data: ${lineOf(message)}\n\n`);
}
