import { SESSION_ID_HEADER } from '../protocol/headers.ts';
import type { Clock } from './environment.ts';
import type { HttpClient, HttpResponse } from './http/http-client.ts';

/**
 * A fault that a person or a test asks for, to see what the connection makes of it.
 *
 * - `lost-404`, `lost-400`: the next request with a session id is answered as if the session were gone. It does not
 *   reach the server.
 * - `cut`: the next request reaches the server, and its answer is cut off.
 * - `refuse`: no request reaches the server for so many ms.
 */
export type Fault =
  | { readonly kind: 'lost-404' }
  | { readonly kind: 'lost-400' }
  | { readonly kind: 'cut' }
  | { readonly kind: 'refuse'; readonly forMs: number };

/** Puts asked-for faults between a connection and its server, at the level of `fetch`, where the real ones come in. */
export class FaultHook {
  readonly #fetch: HttpClient;
  readonly #clock: Clock;
  readonly #next: Exclude<Fault, { kind: 'refuse' }>[] = [];
  #refuseUntil = 0;

  constructor(fetch: HttpClient, clock: Clock) {
    this.#fetch = fetch;
    this.#clock = clock;
  }

  /** Faults that wait for their request: at most 100, later ones are dropped. */
  inject(fault: Fault): void {
    if (fault.kind === 'refuse') this.#refuseUntil = this.#clock.now() + fault.forMs;
    else if (this.#next.length < 100) this.#next.push(fault);
  }

  /** The `fetch` to be used. */
  readonly fetch: HttpClient = async (url, init) => {
    if (this.#clock.now() < this.#refuseUntil) throw refused();
    const fault = this.#next.length > 0 && isInSession(init) ? this.#next.shift() : undefined;
    switch (fault?.kind) {
      case 'lost-404':
        return refusal(404, -32001, 'Session not found (simulated)');
      case 'lost-400':
        return refusal(400, -32000, 'Bad Request: No valid session ID provided (simulated)');
      case 'cut':
        return cut(await this.#fetch(url, init));
      default:
        return this.#fetch(url, init);
    }
  };
}

function refusal(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: '2.0', id: null, error: { code, message } }, { status });
}

function isInSession({ method, headers }: RequestInit): boolean {
  return method === 'POST' && new Headers(headers).has(SESSION_ID_HEADER);
}

/** The server has had the request; of its answer nothing but the head arrives. */
function cut({ ok, status, statusText, headers, body: dropped }: HttpResponse): HttpResponse {
  dropped?.cancel().catch(() => {});
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.error(new TypeError('terminated (simulated)')),
  });
  return { ok, status, statusText, headers, body };
}

function refused(): Error {
  const cause = Object.assign(new Error('connect ECONNREFUSED (simulated)'), { code: 'ECONNREFUSED' });
  return new TypeError('fetch failed', { cause });
}
