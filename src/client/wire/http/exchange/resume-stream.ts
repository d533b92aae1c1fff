import { LAST_EVENT_ID_HEADER } from '../../../../protocol/http/headers.ts';
import type { Outcome } from '../../../../protocol/outcome.ts';
import { type Verdict, verdictOf } from '../../../../protocol/verdict.ts';
import { readAnswer } from './answer.ts';
import type { ExchangeContext, HttpExchange } from './http-exchange.ts';
import { readRefusal } from './post.ts';

/** Takes up the stream of a POST by GET with `Last-Event-ID` (MCP 2025-11-25, resumability). */
export async function resumeStream(context: ExchangeContext, exchange: HttpExchange): Promise<Outcome> {
  const { url, fetch, init, authorization, negotiated } = context;
  const { headers, requestId, resumeAfter = '' } = exchange;
  const { signal } = exchange.options;
  headers.set(LAST_EVENT_ID_HEADER, resumeAfter);
  const response = await fetch(url, { ...init, method: 'GET', headers, signal, connection: 'kept' });
  if (response.ok && requestId !== undefined) {
    authorization.succeeded(headers);
    return readAnswer(context, response, exchange, requestId);
  }
  const { status } = response;
  const verdict = verdictOf({
    method: 'GET',
    sentSessionId: negotiated?.sessionId !== undefined,
    initialize: false,
    resuming: true,
    status,
    body: await readRefusal(context, response, headers),
    challenge: response.headers.get('www-authenticate'),
  });
  if (verdict.kind === 'authorization') await exchange.onChallenge?.(response);
  return refusedResumption(verdict, status);
}

function refusedResumption(verdict: Verdict, status: number): Outcome {
  if (verdict.kind === 'unavailable') {
    return { kind: 'unavailable', interruption: 'unknown', because: verdict.because, status };
  }
  const because = `the stream could not be resumed (${status})`;
  const gone: Outcome = { kind: 'broken', resumeRefused: true, because, status };
  return verdict.kind === 'unclear' ? { ...verdict, interruption: 'unknown', status, otherwise: gone } : gone;
}
