import { type Clock, deadline } from '../../../base/environment.ts';
import type { HttpClient, HttpResponse } from '../../../base/http-client.ts';
import { SESSION_ID_HEADER } from '../../../protocol/http/headers.ts';
import type { Fault } from '../../fault.ts';

/** Those that can be put between a connection and its server over HTTP. */
export type HttpFault = Exclude<Fault, { kind: 'kill' }>;

/** How long the end of a session that is to be lost is waited for, in ms. */
const END_MS = 1000;

/**
 * Puts asked-for faults between a connection and its server, at the level of `fetch`, where the real ones come in.
 * While none was asked for, a request costs one look at a flag.
 */
export class FaultHook {
  readonly #fetch: HttpClient;
  readonly #clock: Clock;
  readonly #next: Exclude<HttpFault, { kind: 'refuse' }>[] = [];
  #refuseUntil = 0;
  #isArmed = false;

  constructor(fetch: HttpClient, clock: Clock) {
    this.#fetch = fetch;
    this.#clock = clock;
  }

  /** Faults that wait for their request: at most 100, later ones are dropped. */
  inject(fault: HttpFault): void {
    this.#isArmed = true;
    if (fault.kind === 'refuse') this.#refuseUntil = this.#clock.monotonic() + fault.forMs;
    else if (this.#next.length < 100) this.#next.push(fault);
  }

  /** The `fetch` to be used. */
  readonly fetch: HttpClient = (url, init) =>
    this.#isArmed ? this.#faulty(url, init) : this.#fetch(url, init);

  async #faulty(url: URL, init: RequestInit): Promise<HttpResponse> {
    if (this.#clock.monotonic() < this.#refuseUntil) throw refused();
    const fault = isInSession(init) ? this.#next.shift() : undefined;
    this.#isArmed = this.#next.length > 0;
    switch (fault?.kind) {
      case 'lost-404':
        await this.#endSession(url, init);
        return refusal(404, -32001, 'Session not found (simulated)');
      case 'lost-400':
        await this.#endSession(url, init);
        return refusal(400, -32000, 'Bad Request: No valid session ID provided (simulated)');
      case 'cut':
        return cut(await this.#fetch(url, init));
      default:
        return this.#fetch(url, init);
    }
  }

  /** So that the server has lost it too, and keeps nothing of what nobody will come back to. */
  async #endSession(url: URL, { headers: given }: RequestInit): Promise<void> {
    const headers = new Headers(given);
    headers.delete('content-type');
    const limit = deadline(this.#clock, END_MS);
    try {
      const answer = await this.#fetch(url, { method: 'DELETE', headers, signal: limit.signal });
      await answer.body?.cancel();
    } catch {
      // A server that can't be told has not heard of the loss; the connection has.
    } finally {
      limit.release();
    }
  }
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

/** What `fetch` throws when nobody listens. */
export function refused(): Error {
  const cause = Object.assign(new Error('connect ECONNREFUSED (simulated)'), { code: 'ECONNREFUSED' });
  return new TypeError('fetch failed', { cause });
}
