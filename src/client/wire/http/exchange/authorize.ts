import { isResilientMcpError } from '../../../../protocol/errors.ts';
import type { Outcome } from '../../../../protocol/outcome.ts';
import { networkOutcome } from '../network-error.ts';
import { type ExchangeContext, type HttpExchange, headersOf, type Layer } from './http-exchange.ts';

const ACCEPT_ANSWER = 'application/json, text/event-stream';
export const ACCEPT_STREAM = 'text/event-stream';

/** Gives an exchange its headers; after an authorization challenge that could be answered, makes it again. */
export function authorize(context: ExchangeContext): Layer {
  const { authorization } = context;
  const posted = new PostHeaders(context);
  return (next) => async (exchange) => {
    const { signal } = exchange.options;
    try {
      return await authorization.during(signal, async (onChallenge) => {
        const { headers, fields } = isResumption(exchange)
          ? { headers: await headersOf(context, ACCEPT_STREAM) }
          : (posted.kept ?? (await posted.make()));
        exchange.headers = headers;
        exchange.fields = fields;
        exchange.onChallenge = (response) => onChallenge(response, headers);
        return next(exchange);
      });
    } catch (error) {
      if (signal.aborted) return { kind: 'aborted' };
      return isResumption(exchange) ? resumptionFailed(error) : withoutCredentials(error);
    }
  };
}

interface SentHeaders {
  readonly headers: Headers;
  /** See {@link HttpExchange}. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** The headers of the POSTs of one wire: made once, where nothing in them changes. */
class PostHeaders {
  readonly #context: ExchangeContext;
  #made: SentHeaders | undefined;
  #version: string | undefined;

  constructor(context: ExchangeContext) {
    this.#context = context;
  }

  /** Those of before, if they are those of the next POST as well. */
  get kept(): SentHeaders | undefined {
    return this.#version === this.#context.negotiated?.protocolVersion ? this.#made : undefined;
  }

  async make(): Promise<SentHeaders> {
    const { authorization, negotiated } = this.#context;
    const headers = await headersOf(this.#context, ACCEPT_ANSWER);
    headers.set('content-type', 'application/json');
    if (!negotiated || !authorization.givesNone) return { headers };
    this.#version = negotiated.protocolVersion;
    this.#made = { headers, fields: Object.freeze(Object.fromEntries(headers)) };
    return this.#made;
  }
}

function isResumption({ resumeAfter }: HttpExchange): boolean {
  return resumeAfter !== undefined;
}

/** How a request ends for which no usable credentials are to be had: it was not sent, or refused for want of them. */
function withoutCredentials(error: unknown): Outcome {
  if (!isResilientMcpError(error, 'SERVER_UNAVAILABLE')) return networkOutcome(error);
  return { kind: 'unavailable', interruption: 'notExecuted', because: error.message, cause: error };
}

/** Not `failed`: the request itself was sent long ago, and may have run. */
function resumptionFailed(error: unknown): Outcome {
  if (!isResilientMcpError(error)) return networkOutcome(error);
  const resumeRefused = error.code !== 'SERVER_UNAVAILABLE';
  return { kind: 'broken', because: error.message, resumeRefused, cause: error };
}
