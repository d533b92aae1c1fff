import { SESSION_ID_HEADER } from '../protocol/headers.ts';
import type { Clock, Fetch } from './environment.ts';

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
  readonly #fetch: Fetch;
  readonly #clock: Clock;
  readonly #next: Exclude<Fault, { kind: 'refuse' }>[] = [];
  #refuseUntil = 0;

  constructor(fetch: Fetch, clock: Clock) {
    this.#fetch = fetch;
    this.#clock = clock;
  }

  /** Faults that wait for their request: at most 100, later ones are dropped. */
  inject(fault: Fault): void {
    if (fault.kind === 'refuse') this.#refuseUntil = this.#clock.now() + fault.forMs;
    else if (this.#next.length < 100) this.#next.push(fault);
  }

  /** The `fetch` to be used. */
  readonly fetch: Fetch = async (url, init) => {
    if (this.#clock.now() < this.#refuseUntil) throw refused();
    const isInSession = init?.method === 'POST' && new Headers(init.headers).has(SESSION_ID_HEADER);
    const fault = isInSession ? this.#next.shift() : undefined;
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

/** The server has had the request; of its answer nothing but the head arrives. */
function cut(response: Response): Response {
  response.body?.cancel().catch(() => {});
  const body = new ReadableStream({
    start: (controller) => controller.error(new TypeError('terminated (simulated)')),
  });
  return new Response(body, { status: response.status, headers: response.headers });
}

function refused(): Error {
  const cause = Object.assign(new Error('connect ECONNREFUSED (simulated)'), { code: 'ECONNREFUSED' });
  return new TypeError('fetch failed', { cause });
}
