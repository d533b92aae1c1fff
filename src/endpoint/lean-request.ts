import { passesFor } from './lean.ts';

/** What is known of a request before a `Request` is made of it. */
export interface RequestParts {
  readonly method: string;
  /** Absolute, as `URL` writes it. */
  readonly url: string;
  /** Names and values in turn, as `node:http` has them. */
  readonly rawHeaders: readonly string[];
  /** What makes the signal that aborts when the client leaves. Asked once at most. */
  readonly makeSignal: () => AbortSignal;
}

/**
 * What looks like a `Request`, and becomes one when it has to. Making a real one, with its headers and its signal, takes
 * longer than all else that the manager does for a small request, and of the real one nothing is looked at there and in
 * the SDK's transport but the method, the address and some headers (docs/decisions/0009).
 *
 * It has no body: an adapter that makes one reads the body by `RequestContext.readBody`. And it is not for everybody:
 * `fetch()` and `new Request()` look into a request instead of asking it, and refuse this one. So what was written
 * outside of this project and the SDK's transport is given the {@link wholeRequest}.
 */
export function leanRequest(parts: RequestParts): Request {
  // All members are there; those that are not written out below have been added to the prototype.
  return new LeanRequest(parts) as unknown as Request;
}

/** The request itself, or the real one in place of a lean one. The same at each call. */
export function wholeRequest(request: Request): Request {
  return request instanceof LeanRequest ? request.whole : request;
}

/** Whether a request came by an adapter that reads bodies itself, and sends a lean answer as it is (lean-answer.ts). */
export function isLean(request: Request): boolean {
  return request instanceof LeanRequest;
}

class LeanRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: LeanHeaders;
  readonly #makeSignal: () => AbortSignal;
  #whole: Request | undefined;

  constructor({ method, url, rawHeaders, makeSignal }: RequestParts) {
    this.method = method;
    this.url = url;
    this.headers = new LeanHeaders(rawHeaders);
    this.#makeSignal = makeSignal;
  }

  get whole(): Request {
    const { method, url, headers } = this;
    this.#whole ??= new Request(url, { method, headers: [...headers.entries()], signal: this.#makeSignal() });
    return this.#whole;
  }
}

/** The reading half of `Headers`. Writing is refused by the platform, as for any object that is no `Headers`. */
class LeanHeaders {
  readonly #values = new Map<string, string>();

  constructor(raw: readonly string[]) {
    for (let at = 0; at < raw.length; at += 2) this.#add((raw[at] ?? '').toLowerCase(), raw[at + 1] ?? '');
  }

  get(name: string): string | null {
    return this.#values.get(name.toLowerCase()) ?? null;
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase());
  }

  entries(): IterableIterator<[string, string]> {
    return this.#values.entries();
  }

  keys(): IterableIterator<string> {
    return this.#values.keys();
  }

  values(): IterableIterator<string> {
    return this.#values.values();
  }

  forEach(callback: (value: string, name: string, headers: this) => void): void {
    for (const [name, value] of this.#values) callback(value, name, this);
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.#values.entries();
  }

  /** As `Headers` does: one that comes twice is one, with a comma. Two Host headers so make one that is no host. */
  #add(name: string, value: string): void {
    const before = this.#values.get(name);
    const separator = name === 'cookie' ? '; ' : ', ';
    this.#values.set(name, before === undefined ? value : `${before}${separator}${value}`);
  }
}

passesFor(LeanRequest.prototype, Request.prototype, ['method', 'url', 'headers']);
Object.setPrototypeOf(LeanHeaders.prototype, Headers.prototype);
