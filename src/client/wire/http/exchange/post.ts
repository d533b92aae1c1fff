import type { HttpResponse } from '../../../../base/http-client.ts';
import { isResilientMcpError, ResilientMcpError } from '../../../../protocol/errors.ts';
import { retryAfterMs } from '../../../../protocol/http/headers.ts';
import { secretsOf, withoutSecrets } from '../../../../protocol/http/secrets.ts';
import { isErrorResponse, isRequest, isSameId, type RequestId } from '../../../../protocol/message.ts';
import { notChallenged, type Outcome, type OutcomeOf, outcomeOf } from '../../../../protocol/outcome.ts';
import { textOf, withId } from '../../../../protocol/text/message-text.ts';
import { errorResponseIn, looksLikeLostSession, verdictOf } from '../../../../protocol/verdict.ts';
import { readHead } from '../body.ts';
import { networkOutcome } from '../network-error.ts';
import { readAnswer } from './answer.ts';
import type { ExchangeContext, HttpExchange } from './http-exchange.ts';

/** Sends a message by POST, and reads the whole of its answer. Rejects only with what `onChallenge` throws. */
export async function post(context: ExchangeContext, exchange: HttpExchange): Promise<Outcome> {
  const { authorization, negotiated } = context;
  const { message, headers, requestId } = exchange;
  const { signal, connection, onConnection } = exchange.options;
  let response: HttpResponse;
  try {
    response = await context.fetch(context.url, {
      ...context.init,
      method: 'POST',
      headers: exchange.fields ?? headers,
      body: textOf(message),
      signal,
      connection,
      onConnection,
    });
  } catch (error) {
    return signal.aborted ? { kind: 'aborted' } : networkOutcome(error);
  }
  if (!response.ok) return refusal(context, exchange, response);
  authorization.succeeded(headers);
  exchange.onResponse?.(response);
  if (requestId === undefined || response.status === 202) {
    response.body?.cancel().catch(() => {});
    return { kind: 'accepted' };
  }
  const outcome = await readAnswer(context, response, exchange, requestId);
  return negotiated?.sessionId === undefined ? outcome : doubted(outcome, headers);
}

async function refusal(
  context: ExchangeContext,
  exchange: HttpExchange,
  response: HttpResponse,
): Promise<Outcome> {
  const { message, requestId } = exchange;
  const body = await readRefusal(context, response, exchange.headers);
  const verdict = verdictOf({
    method: 'POST',
    sentSessionId: context.negotiated?.sessionId !== undefined,
    initialize: isRequest(message) && message.method === 'initialize',
    requestId,
    status: response.status,
    body,
    challenge: response.headers.get('www-authenticate'),
  });
  if (verdict.kind === 'authorization') {
    try {
      await exchange.onChallenge?.(response);
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
