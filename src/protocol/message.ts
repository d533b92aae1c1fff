import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { asWrittenIn, isIdAsWritten } from './text/id-text.ts';
import { hasObject, peek } from './text/message-text.ts';

/**
 * JSON-RPC as this project looks at it. Messages are passed on as they are, so the guards look only at what routing
 * needs; the shapes of parameters and results are the SDK's business on either end.
 */
export type { JSONRPCMessage, RequestId };

export interface Request {
  readonly jsonrpc: '2.0';
  readonly id: RequestId;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>> | undefined;
}

export interface Notification {
  readonly jsonrpc: '2.0';
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>> | undefined;
}

export interface ResultResponse {
  readonly jsonrpc: '2.0';
  readonly id: RequestId;
  readonly result: Readonly<Record<string, unknown>>;
}

export interface ErrorResponse {
  readonly jsonrpc: '2.0';
  readonly id?: RequestId | null | undefined;
  readonly error: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export type Response = ResultResponse | ErrorResponse;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isId = (value: unknown): value is RequestId => typeof value === 'string' || typeof value === 'number';

const isEnvelope = (value: unknown): value is Record<string, unknown> =>
  isObject(value) && value.jsonrpc === '2.0';

export function isRequest(value: unknown): value is Request {
  return isEnvelope(value) && typeof value.method === 'string' && isId(value.id);
}

export function isNotification(value: unknown): value is Notification {
  return isEnvelope(value) && typeof value.method === 'string' && !('id' in value);
}

export function isResultResponse(value: unknown): value is ResultResponse {
  return isEnvelope(value) && isId(value.id) && hasObject(value, 'result');
}

export function isErrorResponse(value: unknown): value is ErrorResponse {
  return (
    isEnvelope(value) &&
    isObject(value.error) &&
    typeof value.error.code === 'number' &&
    typeof value.error.message === 'string'
  );
}

/**
 * Whether it answers something. What it answers with may be neither a result nor an error as JSON-RPC wants them: some
 * servers say `null`, or a text, or leave out a result that is empty. It is the answer all the same, and whoever looks
 * inside asks {@link isWellFormed}.
 */
export function isResponse(value: unknown): value is Response {
  if (!isEnvelope(value) || 'method' in value) return false;
  return isId(value.id) || (value.id == null && 'error' in value);
}

/** Whether an answer is a result or an error as JSON-RPC wants them. */
export function isWellFormed(response: Response): boolean {
  return isResultResponse(response) || isErrorResponse(response);
}

export function isMessage(value: unknown): value is JSONRPCMessage {
  return isSaid(value) && ('method' in value || 'result' in value || 'error' in value);
}

/** The same of what a server says: there what leaves out its result too is somebody's answer, and waited for. */
export function isSaid(value: unknown): value is JSONRPCMessage {
  return isRequest(value) || isNotification(value) || isResponse(value);
}

/**
 * Whether two ids mean one request: some hop in between makes a text of a number (rust-sdk#1017), or rounds one that is
 * over 2^53.
 */
export function isSameId(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isId(a) || !isId(b)) return false;
  if (asWrittenIn(a) === asWrittenIn(b)) return true;
  const isRounded = typeof a === 'number' ? isIdAsWritten(b) : typeof b === 'number' && isIdAsWritten(a);
  return isRounded && Number(asWrittenIn(a)) === Number(asWrittenIn(b));
}

/** The id under which something is known that may have come back in another form; `id` itself where nothing is. */
export function knownId(
  id: unknown,
  known: ReadonlySet<RequestId> | ReadonlyMap<RequestId, unknown>,
): RequestId {
  const given = id as RequestId;
  if (!isId(id) || known.has(id)) return given;
  const other = typeof id === 'number' ? String(id) : Number(id);
  if (isSameId(id, other) && known.has(other)) return other;
  const isLarge = !Number.isSafeInteger(Number(id));
  return (isLarge ? [...known.keys()].find((each) => isSameId(each, id)) : undefined) ?? given;
}

/** The tool a `tools/call` names; undefined for every other request. */
export function toolOf(request: Pick<Request, 'method' | 'params'>): string | undefined {
  const name = request.method === 'tools/call' ? peek(request, ['params', 'name']) : undefined;
  return typeof name === 'string' ? name : undefined;
}

/** The page cursor a list request carries. */
export function cursorOf(request: Pick<Request, 'params'>): string | undefined {
  const cursor = peek(request, ['params', 'cursor']);
  return typeof cursor === 'string' ? cursor : undefined;
}

/** The progress token of a request, to which later `notifications/progress` refer. */
export function progressTokenOf(request: Pick<Request, 'params'>): string | number | undefined {
  const token = peek(request, ['params', '_meta', 'progressToken']);
  return isId(token) ? token : undefined;
}

/** The request that a `notifications/cancelled` is about. */
export function cancelledId(notification: Pick<Notification, 'params'>): unknown {
  return peek(notification, ['params', 'requestId']);
}

/** The token that a `notifications/progress` is about. */
export function tokenOf(notification: Pick<Notification, 'params'>): unknown {
  return peek(notification, ['params', 'progressToken']);
}
