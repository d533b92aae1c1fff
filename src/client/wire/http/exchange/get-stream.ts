import type { HttpResponse } from '../../../../base/http-client.ts';
import { describeError, isResilientMcpError } from '../../../../protocol/errors.ts';
import { LAST_EVENT_ID_HEADER, mediaType, retryAfterMs } from '../../../../protocol/http/headers.ts';
import { verdictOf } from '../../../../protocol/verdict.ts';
import type { ListenOptions, ListenOutcome } from '../../wire.ts';
import type { OnChallenge } from '../auth/authorization.ts';
import { describeNetworkError } from '../network-error.ts';
import { deliver, readEvents } from './answer.ts';
import { ACCEPT_STREAM } from './authorize.ts';
import { type ExchangeContext, headersOf } from './http-exchange.ts';
import { readRefusal } from './post.ts';

/** A GET that is under way. */
interface ListenAttempt extends ListenOptions {
  readonly headers: Headers;
  /** Sees a 401, or a 403 for insufficient scope. What it throws, the attempt throws. */
  readonly onChallenge: OnChallenge;
}

/** The server's own stream: one GET, read until it ends. Never rejects. */
export async function listen(context: ExchangeContext, options: ListenOptions): Promise<ListenOutcome> {
  const { signal } = options;
  try {
    return await context.authorization.during(signal, async (onChallenge) => {
      const headers = await headersOf(context, ACCEPT_STREAM);
      return attempt(context, { ...options, headers, onChallenge });
    });
  } catch (error) {
    if (signal.aborted) return { kind: 'aborted' };
    const because = describeError(error);
    return isResilientMcpError(error, 'UNAUTHORIZED')
      ? { kind: 'unclear', because, status: error.status ?? 401 }
      : { kind: 'unavailable', because };
  }
}

async function attempt(context: ExchangeContext, request: ListenAttempt): Promise<ListenOutcome> {
  const { signal, lastEventId, headers } = request;
  if (lastEventId !== undefined) headers.set(LAST_EVENT_ID_HEADER, lastEventId);
  let response: HttpResponse;
  try {
    const init = { ...context.init, method: 'GET', headers, signal, connection: 'kept' } as const;
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
  context.authorization.succeeded(headers);
  request.onOpen();
  return read(context, request, response);
}

async function read(
  context: ExchangeContext,
  request: ListenAttempt,
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
  request: ListenAttempt,
  response: HttpResponse,
): Promise<ListenOutcome> {
  const body = await readRefusal(context, response, request.headers);
  const resuming = request.lastEventId !== undefined;
  const verdict = verdictOf({
    method: 'GET',
    sentSessionId: context.negotiated?.sessionId !== undefined,
    initialize: false,
    resuming,
    status: response.status,
    body,
    challenge: response.headers.get('www-authenticate'),
  });
  switch (verdict.kind) {
    case 'authorization':
      await request.onChallenge(response, request.headers);
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
