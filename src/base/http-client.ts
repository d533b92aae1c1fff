/** What an exchange uses of a response. The Fetch standard's `Response` is one. */
export interface HttpResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly statusText: string;
  readonly headers: Iterable<[string, string]> & { get(name: string): string | null };
  readonly body: HttpBody | null;
}

export interface HttpBody {
  getReader(): HttpBodyReader;
  cancel(reason?: unknown): Promise<void>;
}

export interface HttpBodyReader {
  /** The whole body is known to have arrived, so cancelling it keeps the connection. */
  readonly isWhole?: boolean;
  /** One read at a time. Rejects when the body breaks off before its end. */
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  /** Discards the rest of the body, and closes its socket. */
  cancel(reason?: unknown): Promise<void>;
}

/**
 * How old the connection of a request may be. A dead connection is noticed only after a request was sent on it, and
 * then it is unknown whether the request arrived.
 *
 * - `new`: a connection opened for the request.
 * - `recent`: also one used a moment ago. For requests that must not be sent twice.
 * - `kept`: also one idle for at most about a second. For requests that may be repeated.
 */
export type ConnectionAge = 'new' | 'recent' | 'kept';

export interface HttpInit extends RequestInit {
  /** Default `recent`. */
  readonly connection?: ConnectionAge | undefined;
  /** Path of a Unix socket or named pipe to connect to, instead of the host and port of the address. */
  readonly socketPath?: string | undefined;
  /** The request is about to go out: on a connection that was used before, or on a new one. */
  readonly onConnection?: ((isUsed: boolean) => void) | undefined;
}

/** Makes one HTTP request, as `fetch` does: rejects when there is no response, or when `init.signal` aborts. */
export type HttpClient = (url: URL, init: HttpInit) => Promise<HttpResponse>;

/** A client that may hold connections, and closes them. */
export interface ClosableClient {
  readonly send: HttpClient;
  close(): Promise<void>;
}
