/** What an exchange uses of a response. The Fetch standard's `Response` is one. */
export interface HttpResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly statusText: string;
  readonly headers: { get(name: string): string | null };
  readonly body: HttpBody | null;
}

export interface HttpBody {
  getReader(): HttpBodyReader;
  cancel(reason?: unknown): Promise<void>;
}

export interface HttpBodyReader {
  /** One read at a time. Rejects when the body breaks off before its end. */
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  /** Lets go of the rest, and of the socket that it would come on. */
  cancel(reason?: unknown): Promise<void>;
}

/** Makes one HTTP request, as `fetch` does: rejects when there is no response, or when `init.signal` aborts. */
export type HttpClient = (url: URL, init: RequestInit) => Promise<HttpResponse>;
