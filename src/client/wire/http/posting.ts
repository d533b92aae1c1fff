import { isResilientMcpError } from '../../../protocol/errors.ts';
import { PROTOCOL_VERSION_HEADER, SESSION_ID_HEADER, sendsVersionHeader } from '../../../protocol/headers.ts';
import type { Outcome } from '../../../protocol/outcome.ts';
import type { NegotiatedSession } from '../wire.ts';
import type { ExchangeContext } from './answer.ts';
import type { Authorization } from './auth/authorization.ts';
import { exchange, type Post } from './exchange.ts';
import { networkOutcome } from './network-error.ts';

const ACCEPT_ANSWER = 'application/json, text/event-stream';

export interface PostContext extends ExchangeContext {
  readonly authorization: Authorization;
  /** Of the user's `requestInit`, everything but method, body, headers and signal. */
  readonly init: RequestInit;
}

/** The headers of a request of a session; without one, of `initialize`. */
export async function sessionHeaders(
  context: PostContext,
  agreement: NegotiatedSession | undefined,
  accept?: string,
): Promise<Headers> {
  const headers = await context.authorization.headers();
  // Set last, so that a header of the user's can't carry a dead id or version into a new session.
  headers.delete(SESSION_ID_HEADER);
  headers.delete(PROTOCOL_VERSION_HEADER);
  if (accept) headers.set('accept', accept);
  if (agreement?.sessionId !== undefined) headers.set(SESSION_ID_HEADER, agreement.sessionId);
  if (agreement && sendsVersionHeader(agreement.protocolVersion)) {
    headers.set(PROTOCOL_VERSION_HEADER, agreement.protocolVersion);
  }
  return headers;
}

type PostHeaders = Pick<Post, 'headers' | 'fields'>;

/** Who posts: a session, or one who has none yet. */
export interface Sender {
  readonly agreement: NegotiatedSession | undefined;
  /** Where nothing in them changes, made once. */
  headers?: PostHeaders;
}

async function headersOfPost(context: PostContext, sender: Sender): Promise<PostHeaders> {
  const headers = await sessionHeaders(context, sender.agreement, ACCEPT_ANSWER);
  headers.set('content-type', 'application/json');
  if (!sender.agreement || !context.authorization.givesNone) return { headers, fields: undefined };
  sender.headers = { headers, fields: Object.freeze(Object.fromEntries(headers)) };
  return sender.headers;
}

type PostHooks = Pick<
  Post,
  'onEventId' | 'onHeard' | 'onStream' | 'onResponse' | 'connection' | 'onConnection'
>;

/** One message as a POST; after an authorization challenge that could be answered, again. */
export async function post(
  context: PostContext,
  sender: Sender,
  message: Post['message'],
  signal: AbortSignal,
  hooks: PostHooks,
): Promise<Outcome> {
  const { authorization } = context;
  try {
    return await authorization.during(signal, async (onChallenge) => {
      const { headers, fields } = sender.headers ?? (await headersOfPost(context, sender));
      return exchange(context, {
        message,
        headers,
        fields,
        signal,
        init: context.init,
        sentSessionId: sender.agreement?.sessionId !== undefined,
        onEventId: hooks.onEventId,
        onHeard: hooks.onHeard,
        connection: hooks.connection,
        onConnection: hooks.onConnection,
        onStream: hooks.onStream,
        onResponse: (response) => {
          authorization.succeeded(headers);
          hooks.onResponse?.(response);
        },
        onChallenge: (response) => onChallenge(response, headers),
      });
    });
  } catch (error) {
    return signal.aborted ? { kind: 'aborted' } : withoutCredentials(error);
  }
}

/** How a request ends for which no usable credentials are to be had: it was not sent, or refused for want of them. */
function withoutCredentials(error: unknown): Outcome {
  if (!isResilientMcpError(error, 'SERVER_UNAVAILABLE')) return networkOutcome(error);
  return { kind: 'unavailable', interruption: 'notExecuted', because: error.message, cause: error };
}
