import type { ConnectionAge, HttpResponse } from '../../../base/http-client.ts';
import { isResilientMcpError, ResilientMcpError } from '../../../protocol/errors.ts';
import { retryAfterMs } from '../../../protocol/headers.ts';
import {
  isErrorResponse,
  isRequest,
  isSameId,
  type Notification,
  type Request,
  type RequestId,
  type Response as RpcResponse,
} from '../../../protocol/message.ts';
import { textOf, withId } from '../../../protocol/message-text.ts';
import { notChallenged, type Outcome, type OutcomeOf, outcomeOf } from '../../../protocol/outcome.ts';
import { secretsOf, withoutSecrets } from '../../../protocol/secrets.ts';
import { errorResponseIn, looksLikeLostSession, verdictOf } from '../../../protocol/verdict.ts';
import { type ExchangeContext, readAnswer } from './answer.ts';
import { readHead } from './body.ts';
import { networkOutcome } from './network-error.ts';

/** One POST to be made. */
export interface Post {
  readonly message: Request | Notification | RpcResponse;
  readonly headers: Headers;
  /** The same as they go out, where they can't change: whoever writes them may write them once. */
  readonly fields: Readonly<Record<string, string>> | undefined;
  readonly init: RequestInit;
  readonly sentSessionId: boolean;
  readonly signal: AbortSignal;
  readonly onEventId?: ((id: string) => void) | undefined;
  readonly onHeard?: (() => void) | undefined;
  readonly connection?: ConnectionAge | undefined;
  readonly onConnection?: ((isUsed: boolean) => void) | undefined;
  readonly onStream?: (() => void) | undefined;
  /** Sees a good response before its body is read: `initialize` takes the session id from it. */
  readonly onResponse?: (response: HttpResponse) => void;
  /** Sees a 401, or a 403 for insufficient scope. What it throws, the exchange throws. */
  readonly onChallenge?: (response: HttpResponse) => Promise<void>;
}

/** One POST and the whole of its answer, stream included. Rejects only with what `onChallenge` throws. */
export async function exchange(context: ExchangeContext, post: Post): Promise<Outcome> {
  let response: HttpResponse;
  try {
    response = await context.fetch(context.url, {
      ...post.init,
      method: 'POST',
      headers: post.fields ?? post.headers,
      body: textOf(post.message),
      signal: post.signal,
      connection: post.connection,
      onConnection: post.onConnection,
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
  const outcome = await readAnswer(context, response, { requestId, ...post });
  return post.sentSessionId ? doubted(outcome, post.headers) : outcome;
}

async function refusal(
  context: ExchangeContext,
  post: Post,
  response: HttpResponse,
  requestId: RequestId | undefined,
): Promise<Outcome> {
  const body = await readRefusal(context, response, post.headers);
  const verdict = verdictOf({
    method: 'POST',
    sentSessionId: post.sentSessionId,
    initialize: isRequest(post.message) && post.message.method === 'initialize',
    requestId,
    status: response.status,
    body,
    challenge: response.headers.get('www-authenticate'),
  });
  if (verdict.kind === 'authorization') {
    try {
      await post.onChallenge?.(response);
    } catch (error) {
      if (!verdict.isUnchallenged || !isResilientMcpError(error, 'UNAUTHORIZED')) throw error;
      return notChallenged(verdict, { kind: 'failed', error });
    }
  }
  const now = context.clock.now();
  return outcomeOf(verdict, {
    status: response.status,
    retryAfterMs: retryAfterMs(response.headers.get('retry-after'), now),
    now,
    refused: (code) =>
      refused(response, body, verdict.kind === 'authorization' ? undefined : requestId, code),
  });
}

/** The head of a refusal's body, without the secrets of the request, which some servers repeat. */
export async function readRefusal(
  context: ExchangeContext,
  response: HttpResponse,
  sent: Headers,
): Promise<string> {
  const { clock, limits } = context;
  const head = { maxBytes: limits.maxErrorBodyBytes, maxMs: limits.maxErrorBodyMs, clock };
  return withoutSecrets(await readHead(response, head), secretsOf(sent));
}

/** A final refusal: the JSON-RPC error that it holds when it names our request, else an error with the status. */
function refused(
  response: HttpResponse,
  body: string,
  requestId: RequestId | undefined,
  code: 'HTTP_STATUS' | 'UNAUTHORIZED',
): OutcomeOf<'failed' | 'answered'> {
  const answer = errorResponseIn(body);
  const error = answer?.error;
  if (answer && requestId !== undefined && isSameId(answer.id, requestId)) {
    return { kind: 'answered', response: withId(answer, requestId) };
  }
  const words = error?.message ?? oauthWords(body) ?? plainWords(body, response.statusText);
  const message = `The server answered ${response.status}${words ? `: ${words}` : ''}.`;
  const details = { status: response.status, body: body.slice(0, 2048) };
  const advice = 'It wants an Authorization header that it takes, or an authProvider that can get one.';
  return {
    kind: 'failed',
    error: new ResilientMcpError(code, message, code === 'UNAUTHORIZED' ? { ...details, advice } : details),
  };
}

/** A page is for a browser; its title says less than the status. */
const plainWords = (body: string, statusText: string) =>
  /^\s*</.test(body) ? statusText : body.slice(0, 200).trim();

/** The description in an OAuth error (RFC 6749, section 5.2), as the SDK's bearer check answers. */
function oauthWords(body: string): string | undefined {
  try {
    const { error, error_description: description } = JSON.parse(body);
    const words: unknown = description ?? error;
    return typeof words === 'string' ? words.slice(0, 200) : undefined;
  } catch {
    return undefined;
  }
}

/** A JSON-RPC error in strong session wording under status 200 is not yet an answer: a `ping` decides. */
function doubted(outcome: Outcome, sent: Headers): Outcome {
  if (outcome.kind !== 'answered' || !isErrorResponse(outcome.response)) return outcome;
  const { error } = outcome.response;
  return looksLikeLostSession(error)
    ? {
        kind: 'unclear',
        outright: true,
        interruption: 'notExecuted',
        because: `200: ${withoutSecrets(error.message, secretsOf(sent)).slice(0, 120)}`,
        status: 200,
        otherwise: outcome,
      }
    : outcome;
}
