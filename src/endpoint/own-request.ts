import { SESSION_ID_HEADER } from '../protocol/headers.ts';
import {
  isErrorResponse,
  isResponse,
  type Notification,
  type RequestId,
  type Request as RpcRequest,
} from '../protocol/message.ts';
import type { RequestContext } from './incoming.ts';

/** Ids that no client uses: the answer to our own request must not be taken for one to the client's. */
const OWN = 'resilient-mcp/';

/** A request that the companion makes of a server, in its client's place. */
export function ownRequest(method: string, params: Readonly<Record<string, unknown>> = {}): RpcRequest {
  return { jsonrpc: '2.0', id: `${OWN}${method}`, method, params };
}

export function isOurs(id: RequestId): boolean {
  return typeof id === 'string' && id.startsWith(OWN);
}

/** What takes such a request: a session. */
interface Hearer {
  readonly id: string;
  handle(request: Request, context: RequestContext): Promise<Response>;
}

/** Says one message in the client's place, and waits for the whole answer. @throws Error when it is refused */
export async function sayTo(
  session: Hearer,
  message: RpcRequest | Notification,
  url: string,
  { authInfo }: RequestContext,
): Promise<void> {
  const headers = {
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    [SESSION_ID_HEADER]: session.id,
  };
  const request = new Request(url, { method: 'POST', headers });
  const response = await session.handle(request, { authInfo, parsedBody: message });
  // To the end: an answer that nobody reads would count as under way for ever.
  const text = await response.text();
  const failure = response.ok ? failureIn(text) : `HTTP ${response.status}`;
  if (failure !== undefined) throw new Error(`${message.method} was refused: ${failure}`);
}

/** A line ends with \n there, and not at the other line ends that JSON may hold: U+2028 and U+2029. */
const DATA_LINE = /(?<=^|\n)data: ([^\n]+)/g;

/** The words of the error that a body answers with: JSON, or an event stream that the SDK has written. */
function failureIn(text: string): string | undefined {
  const said = text.startsWith('{') ? [text] : [...text.matchAll(DATA_LINE)].map(([, data]) => data ?? '');
  const answer = said.map((each): unknown => JSON.parse(each)).find(isResponse);
  return isErrorResponse(answer) ? answer.error.message : undefined;
}
