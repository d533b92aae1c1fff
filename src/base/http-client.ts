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
  /** Whether all of it has arrived, as far as that is known: to let go of it costs no connection. */
  readonly isWhole?: boolean;
  /** One read at a time. Rejects when the body breaks off before its end. */
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  /** Lets go of the rest, and of the socket that it would come on. */
  cancel(reason?: unknown): Promise<void>;
}

/**
 * How old a connection may be that a request goes out on. Nothing shows that one has died until something was sent on
 * it, and then nobody knows whether that arrived.
 *
 * - `new`: one that is made for it.
 * - `recent`: or one that was used within the last moments. For what may not be sent twice.
 * - `kept`: or one that has waited for about a second at most. For what may be sent again.
 */
export type ConnectionAge = 'new' | 'recent' | 'kept';

export interface HttpInit extends RequestInit {
  /** Default `recent`. */
  readonly connection?: ConnectionAge | undefined;
  /** A socket of this machine on which the server is met, in place of the address's host and port. */
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
