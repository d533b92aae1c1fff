import { HeaderMap, type HttpAnswer, type HttpRequest, isOk } from '../../endpoint/http.ts';
import type { RequestContext } from '../../endpoint/incoming.ts';
import { eachText } from '../../endpoint/streams/as-json.ts';
import { SESSION_ID_HEADER } from '../../protocol/http/headers.ts';
import {
  isErrorResponse,
  isResponse,
  type Notification,
  type RequestId,
  type Request as RpcRequest,
} from '../../protocol/message.ts';

/**
 * Prefix of ids that no client uses: an answer to our own request must not be mistaken for one to the
 * client's.
 */
const OWN = 'resilient-mcp/';

/** A request that the companion sends to a server on the client's behalf. */
export function ownRequest(method: string, params: Readonly<Record<string, unknown>> = {}): RpcRequest {
  return { jsonrpc: '2.0', id: `${OWN}${method}`, method, params };
}

export function isOurs(id: RequestId): boolean {
  return typeof id === 'string' && id.startsWith(OWN);
}

/** Receiver of such a request: a session. */
interface Hearer {
  readonly id: string;
  handle(request: HttpRequest, context: RequestContext): Promise<HttpAnswer>;
}

/**
 * Sends one message on the client's behalf, and waits for the whole answer.
 * @throws Error when it is refused
 */
export async function sayTo(
  session: Hearer,
  message: RpcRequest | Notification,
  url: string,
  { authInfo }: RequestContext,
): Promise<void> {
  const headers = new HeaderMap([
    ['accept', 'application/json, text/event-stream'],
    ['content-type', 'application/json'],
    [SESSION_ID_HEADER, session.id],
  ]);
  const request: HttpRequest = { method: 'POST', url, headers, signal: neverAborted, body: noBody };
  const answer = await session.handle(request, { authInfo, parsedBody: message });
  let failure = isOk(answer) ? undefined : `HTTP ${answer.status}`;
  try {
    // Read to the end: an unread answer would count as under way for ever.
    await eachText(answer, (text) => {
      failure ??= failureIn(text);
    });
  } finally {
    answer.onSent?.();
  }
  if (failure !== undefined) throw new Error(`${message.method} was refused: ${failure}`);
}

const neverAborted = new AbortController().signal;
const noBody = () => Promise.resolve(new Uint8Array());

/** The message of a JSON-RPC error; undefined for another answer. */
function failureIn(text: string): string | undefined {
  const answer: unknown = text === '' ? undefined : JSON.parse(text);
  return isResponse(answer) && isErrorResponse(answer) ? answer.error.message : undefined;
}
