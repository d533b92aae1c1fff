import type { Notification, Request, Response } from '../../../protocol/message.ts';
import type { Outcome } from '../../../protocol/outcome.ts';
import type {
  ListenOptions,
  ListenOutcome,
  NegotiatedSession,
  RequestOptions,
  TerminationResult,
  Wire,
} from '../wire.ts';
import { authorize } from './exchange/authorize.ts';
import { listen } from './exchange/get-stream.ts';
import {
  compose,
  type ExchangeContext,
  exchangeOf,
  headersOf,
  type Layer,
  type Send,
} from './exchange/http-exchange.ts';
import { post } from './exchange/post.ts';
import { reportFailure } from './exchange/report-failure.ts';
import { resumeStream } from './exchange/resume-stream.ts';

type WireContext = ExchangeContext & { readonly negotiated: NegotiatedSession };

/** The wire of one session over Streamable HTTP. */
export class HttpWire implements Wire {
  readonly #context: WireContext;
  readonly #abort = new AbortController();
  /** What ends each exchange that said how. */
  readonly #running = new Set<() => void>();
  readonly #send: Send;

  constructor(context: WireContext) {
    this.#context = context;
    const around = compose(
      reportFailure(context.events, context.clock),
      this.#endsWithWire,
      authorize(context),
    );
    this.#send = around((exchange) =>
      exchange.resumeAfter === undefined ? post(context, exchange) : resumeStream(context, exchange),
    );
  }

  request(request: Request, options: RequestOptions): Promise<Outcome> {
    return this.#send(exchangeOf(request, this.#bound(options)));
  }

  notify(message: Notification | Response, signal?: AbortSignal): Promise<Outcome> {
    return this.#send(exchangeOf(message, { signal: this.#until(signal) }));
  }

  resumeStream(request: Request, lastEventId: string, options: RequestOptions): Promise<Outcome> {
    return this.#send(exchangeOf(request, this.#bound(options), { resumeAfter: lastEventId }));
  }

  listen(options: ListenOptions): Promise<ListenOutcome> {
    return listen(this.#context, { ...options, signal: this.#until(options.signal) });
  }

  underId(sessionId: string): Wire {
    const { events, negotiated } = this.#context;
    // That it is refused is what is expected, and no fact of the session.
    const silent = { ...events, onFailure: () => {} };
    return new HttpWire({ ...this.#context, events: silent, negotiated: { ...negotiated, sessionId } });
  }

  async end(signal: AbortSignal): Promise<TerminationResult> {
    const { url, fetch, init, negotiated } = this.#context;
    if (negotiated.sessionId === undefined) return 'not offered';
    try {
      const headers = await headersOf(this.#context);
      const response = await fetch(url, { ...init, method: 'DELETE', headers, signal });
      response.body?.cancel().catch(() => {});
      if (response.ok) return 'deleted';
      if (response.status === 405 || response.status === 501) return 'not offered';
      return response.status === 404 || response.status === 400 || response.status === 410
        ? 'already gone'
        : 'failed';
    } catch {
      return 'failed';
    }
  }

  abort(): void {
    this.#abort.abort();
    for (const abort of this.#running) abort();
  }

  /** Ends an exchange with the wire, by what it said how. */
  readonly #endsWithWire: Layer = (next) => async (exchange) => {
    const { abort } = exchange.options;
    if (!abort) return next(exchange);
    if (this.#abort.signal.aborted) abort();
    this.#running.add(abort);
    try {
      return await next(exchange);
    } finally {
      this.#running.delete(abort);
    }
  };

  /** An exchange that does not say how it ends is given a signal that ends with the wire. */
  #bound(options: RequestOptions): RequestOptions {
    return options.abort ? options : { ...options, signal: this.#until(options.signal) };
  }

  #until(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([this.#abort.signal, signal]) : this.#abort.signal;
  }
}
