/** The headers of a request. The platform's `Headers` are one kind of these. */
export interface HttpHeaders extends Iterable<readonly [name: string, value: string]> {
  get(name: string): string | null;
  entries(): IterableIterator<[name: string, value: string]>;
}

/**
 * A request as the endpoint reads it, whatever HTTP server it came by. Making a `Request` of it, with headers and signal,
 * takes longer than all else that is done for a small one (docs/decisions/0009): see `platformRequest` in web.ts.
 */
export interface HttpRequest {
  readonly method: string;
  /** Absolute, as `URL` writes it. */
  readonly url: string;
  readonly headers: HttpHeaders;
  /** Aborts when the client leaves. Made when it is first asked for. */
  readonly signal: AbortSignal;
  /** The platform's object, where the request came as one. */
  readonly platform?: Request | undefined;
  /**
   * Reads the body, once. Resolves with all its bytes; with undefined when there are more than `maxBytes`, and the rest is
   * then not read. Rejects when the body breaks off.
   */
  body(maxBytes: number): Promise<Uint8Array | undefined>;
}

/** By their names in lower case. Several values are those of a header that may not be joined: `set-cookie`. */
export type AnswerHeaders = Readonly<Record<string, string | string[]>>;

/** An answer, to be sent by whatever HTTP server the request came by. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** Text that is known as a whole, or a stream. Default: none. */
  readonly body?: string | ReadableStream<Uint8Array> | undefined;
  /** Has to be called once by who sends it: when it has been sent, has failed or is given up. */
  readonly onSent?: (() => void) | undefined;
}

/** Headers in a map, by their names in lower case. */
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

  /** As `Headers` does: one that comes twice is one, with a comma. Two Host headers so make one that is no host. */
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

/** The same request with other values for some headers; without a header whose value is undefined. */
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

/** A header of an answer, by its name in lower case. */
export function headerOf({ headers }: HttpAnswer, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** Whether an answer is a success. */
export function isOk({ status }: HttpAnswer): boolean {
  return status >= 200 && status <= 299;
}
