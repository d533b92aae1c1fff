import type { HttpResponse } from '../../../base/http-client.ts';
import { mediaType, retryAfterMs } from '../../../protocol/headers.ts';
import type { Verdict } from '../../../protocol/verdict.ts';
import type { ListenOptions, ListenOutcome } from '../wire.ts';
import { deliver, type ExchangeContext, readEvents } from './answer.ts';
import { readRefusal } from './exchange.ts';
import { describeNetworkError } from './network-error.ts';

export interface ListenRequest extends ListenOptions {
  readonly headers: Headers;
  readonly init: RequestInit;
  readonly verdict: (method: 'GET', response: HttpResponse, body: string, resuming: boolean) => Verdict;
  /** Sees a 401, or a 403 for insufficient scope. What it throws, `listen` throws. */
  readonly onChallenge: (response: HttpResponse) => Promise<void>;
}

/** The server's own stream: one GET, read until it ends. Rejects only with what `onChallenge` throws. */
export async function listen(context: ExchangeContext, request: ListenRequest): Promise<ListenOutcome> {
  const { signal, lastEventId, headers } = request;
  if (lastEventId !== undefined) headers.set('last-event-id', lastEventId);
  let response: HttpResponse;
  try {
    const init = { ...request.init, method: 'GET', headers, signal, connection: 'kept' } as const;
    response = await context.fetch(context.url, init);
  } catch (error) {
    return signal.aborted
      ? { kind: 'aborted' }
      : { kind: 'unavailable', because: describeNetworkError(error) };
  }
  if (!response.ok) return refusal(context, request, response);
  if (mediaType(response.headers.get('content-type')) !== 'text/event-stream') {
    // A page or a health text at the same path: no stream is offered here.
    response.body?.cancel().catch(() => {});
    return { kind: 'notOffered', status: response.status };
  }
  request.onOpen();
  return read(context, request, response);
}

async function read(
  context: ExchangeContext,
  request: ListenRequest,
  response: HttpResponse,
): Promise<ListenOutcome> {
  let retryMs: number | undefined;
  try {
    await readEvents(context, response, {
      onHeard: request.onHeard,
      onId: request.onEventId,
      onRetry: (ms) => {
        retryMs = ms;
      },
      onTooLong: context.events.onTooLong,
      onMessage: (message) => {
        request.onMessage?.();
        deliver(context, message);
        return true;
      },
    });
    return { kind: 'ended', retryMs };
  } catch (error) {
    if (request.signal.aborted) return { kind: 'aborted' };
    return { kind: 'broken', because: describeNetworkError(error), retryMs };
  }
}

async function refusal(
  context: ExchangeContext,
  request: ListenRequest,
  response: HttpResponse,
): Promise<ListenOutcome> {
  const body = await readRefusal(context, response, request.headers);
  const resuming = request.lastEventId !== undefined;
  const verdict = request.verdict('GET', response, body, resuming);
  switch (verdict.kind) {
    case 'authorization':
      await request.onChallenge(response);
      // Is it the stream that this server lets nobody have, or the whole session? A ping shows.
      return { kind: 'unclear', because: verdict.because, status: response.status };
    case 'unclear':
      return { kind: 'unclear', because: verdict.because, status: response.status };
    case 'unavailable':
      return {
        kind: 'unavailable',
        because: verdict.because,
        retryAfterMs: retryAfterMs(response.headers.get('retry-after'), context.clock.now()),
      };
    case 'rejected':
      return resuming
        ? { kind: 'resumeRefused', because: verdict.because }
        : { kind: 'notOffered', status: response.status };
    default:
      return { kind: 'notOffered', status: response.status };
  }
}
