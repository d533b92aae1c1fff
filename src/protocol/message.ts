import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';

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
  return isEnvelope(value) && isId(value.id) && isObject(value.result);
}

export function isErrorResponse(value: unknown): value is ErrorResponse {
  return (
    isEnvelope(value) &&
    isObject(value.error) &&
    typeof value.error.code === 'number' &&
    typeof value.error.message === 'string'
  );
}

export function isResponse(value: unknown): value is Response {
  return isResultResponse(value) || isErrorResponse(value);
}

export function isMessage(value: unknown): value is JSONRPCMessage {
  return isRequest(value) || isNotification(value) || isResponse(value);
}

/** Whether two ids mean one request: some hop in between makes a text of a number (rust-sdk#1017). */
export function isSameId(a: unknown, b: unknown): boolean {
  return a === b || (isId(a) && isId(b) && String(a) === String(b));
}

/** The id under which something is known that may have come back in the other type; `id` itself where nothing is. */
export function knownId(id: unknown, known: { has(id: RequestId): boolean }): RequestId {
  const given = id as RequestId;
  if (!isId(id) || known.has(id)) return given;
  const other = typeof id === 'number' ? String(id) : Number(id);
  return isSameId(id, other) && known.has(other) ? other : given;
}

/** The tool a `tools/call` names; undefined for every other request. */
export function toolOf(request: Pick<Request, 'method' | 'params'>): string | undefined {
  const name = request.method === 'tools/call' ? request.params?.name : undefined;
  return typeof name === 'string' ? name : undefined;
}

/** The page cursor a list request carries. */
export function cursorOf(request: Pick<Request, 'params'>): string | undefined {
  const cursor = request.params?.cursor;
  return typeof cursor === 'string' ? cursor : undefined;
}

/** The progress token of a request, by which later `notifications/progress` refer to it. */
export function progressTokenOf(request: Pick<Request, 'params'>): string | number | undefined {
  const meta = request.params?._meta;
  const token = isObject(meta) ? meta.progressToken : undefined;
  return isId(token) ? token : undefined;
}
