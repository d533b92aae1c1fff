/** The headers of a request. The platform's `Headers` conform to this. */
export interface HttpHeaders extends Iterable<readonly [name: string, value: string]> {
  get(name: string): string | null;
  entries(): IterableIterator<[name: string, value: string]>;
}

/**
 * A request as the endpoint reads it, from any HTTP server. Making a `Request` with headers and signal costs
 * more than everything else for a small request (docs/decisions/0009): see `platformRequest` in web.ts.
 */
export interface HttpRequest {
  readonly method: string;
  /** Absolute, as `URL` writes it. */
  readonly url: string;
  readonly headers: HttpHeaders;
  /** Aborts when the client disconnects. Created on first access. */
  readonly signal: AbortSignal;
  /** The platform's `Request`, if the request came as one. */
  readonly platform?: Request | undefined;
  /**
   * Reads the body, once. Resolves with all its bytes, or with undefined when there are more than `maxBytes`;
   * the rest is then not read. Rejects when the body breaks off.
   */
  body(maxBytes: number): Promise<Uint8Array | undefined>;
}

/** Headers by lower-case name. An array holds the values of a header that may not be joined: `set-cookie`. */
export type AnswerHeaders = Readonly<Record<string, string | string[]>>;

/** An answer, for any HTTP server to send. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** The whole text, or a stream. Default: none. */
  readonly body?: string | ReadableStream<Uint8Array> | undefined;
  /** The sender must call it once: when the answer has been sent, has failed or is abandoned. */
  readonly onSent?: (() => void) | undefined;
}

/** Headers in a map, by lower-case name. */
export class HeaderMap implements HttpHeaders {
  readonly #values: Map<string, string>;

  constructor(fields: Iterable<readonly [string, string]> = []) {
    this.#values = new Map(fields);
  }

  get(name: string): string | null {
    return this.#values.get(name) ?? this.#values.get(name.toLowerCase()) ?? null;
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.#values.entries();
  }

  entries(): IterableIterator<[string, string]> {
    return this.#values.entries();
  }

  /** Joins repeated headers with a comma, like `Headers`. Two Host headers thus become an invalid one. */
  append(name: string, value: string): void {
    const key = name.toLowerCase();
    const before = this.#values.get(key);
    const separator = key === 'cookie' ? '; ' : ', ';
    this.#values.set(key, before === undefined ? value : `${before}${separator}${value}`);
  }

  set(name: string, value: string): void {
    this.#values.set(name.toLowerCase(), value);
  }

  delete(name: string): void {
    this.#values.delete(name.toLowerCase());
  }
}

/** The same request with some headers replaced; an undefined value removes the header. */
export function withHeaders(
  request: HttpRequest,
  values: Readonly<Record<string, string | undefined>>,
): HttpRequest {
  const headers = new HeaderMap(request.headers);
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) headers.delete(name);
    else headers.set(name, value);
  }
  return {
    method: request.method,
    url: request.url,
    headers,
    get signal() {
      return request.signal;
    },
    body: (maxBytes) => request.body(maxBytes),
  };
}

/** A header of an answer, by lower-case name. */
export function headerOf({ headers }: HttpAnswer, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** Whether an answer is a success. */
export function isOk({ status }: HttpAnswer): boolean {
  return status >= 200 && status <= 299;
}
