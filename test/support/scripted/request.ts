import type { IncomingHttpHeaders } from 'node:http';

/** A JSON-RPC message as it came, unchecked. */
export interface RpcMessage {
  readonly jsonrpc?: string;
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** How an exchange ended: its bytes were all written, the server cut it, or the client went away first. */
export type ExchangeEnd = 'answered' | 'cut by server' | 'cut by client';

/** One HTTP request that the server got: everything a test may ask about it. */
export interface RequestRecord {
  /** Running number: 1, 2, 3 … in the order of arrival. */
  readonly n: number;
  /** When it arrived, in ms since the epoch. */
  readonly at: number;
  /** HTTP method. */
  readonly method: string;
  readonly path: string;
  /** JSON-RPC method; undefined for a GET, a DELETE and a client's answer to a request of ours. */
  readonly rpc: string | undefined;
  /** JSON-RPC id; undefined for a notification. */
  readonly id: string | number | undefined;
  /** The parsed body; undefined when there was none or it was no JSON object. */
  readonly message: RpcMessage | undefined;
  /** The body as it came. */
  readonly text: string;
  /** Of a `tools/call`: the tool's name and the argument `key`. */
  readonly tool: string | undefined;
  readonly key: string | undefined;
  readonly sessionId: string | undefined;
  readonly protocolVersionHeader: string | undefined;
  readonly lastEventId: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** Running number of the TCP connection by which it came. */
  readonly connection: number;
  /** HTTP status that was sent; undefined as long as none was. */
  readonly status: number | undefined;
  /** Undefined as long as the exchange goes on. */
  readonly ended: ExchangeEnd | undefined;
}

/**
 * Which requests are meant: those that agree with every field given, or those the function accepts. `{}` means all.
 */
export type Matcher =
  | {
      readonly method?: 'POST' | 'GET' | 'DELETE';
      readonly rpc?: string;
      readonly tool?: string;
      readonly key?: string;
      readonly sessionId?: string;
      /** Whether a `Last-Event-ID` came with it. */
      readonly resuming?: boolean;
    }
  | ((request: RequestRecord) => boolean);

/** True when the matcher means this request. */
export function matches(matcher: Matcher, request: RequestRecord): boolean {
  if (typeof matcher === 'function') return matcher(request);
  const { resuming, ...fields } = matcher;
  if (resuming !== undefined && resuming !== (request.lastEventId !== undefined)) return false;
  return Object.entries(fields).every(([name, value]) => request[name as keyof typeof fields] === value);
}
