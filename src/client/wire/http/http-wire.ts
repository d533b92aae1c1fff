import type { Knock } from '../../../base/environment.ts';
import type { HttpResponse } from '../../../base/http-client.ts';
import { describeError, isResilientMcpError, ResilientMcpError } from '../../../protocol/errors.ts';
import {
  isUsableSessionId,
  LAST_EVENT_ID_HEADER,
  SESSION_ID_HEADER,
  sessionIdIn,
} from '../../../protocol/headers.ts';
import {
  isErrorResponse,
  type Notification,
  type Request,
  type Response as RpcResponse,
} from '../../../protocol/message.ts';
import type { Outcome } from '../../../protocol/outcome.ts';
import { type Verdict, verdictOf } from '../../../protocol/verdict.ts';
import type {
  ListenOptions,
  ListenOutcome,
  NegotiatedSession,
  OpenOutcome,
  RequestOptions,
  TerminationResult,
  Wire,
  WireConnector,
  WireEvents,
} from '../wire.ts';
import { readAnswer } from './answer.ts';
import type { OnChallenge } from './auth/authorization.ts';
import { listen } from './back-channel.ts';
import { readRefusal } from './exchange.ts';
import { networkOutcome } from './network-error.ts';
import { type PostContext, post, type Sender, sessionHeaders } from './posting.ts';
import { type Watched, watched } from './watched.ts';

const ACCEPT_STREAM = 'text/event-stream';

/** What all wires of one connection share. */
export interface HttpWireOptions extends Omit<PostContext, 'events'> {
  /** As the next: see {@link WireConnector}. */
  readonly origin?: string | undefined;
  readonly knock?: Knock | undefined;
  /** Called when no wire will be used any more. */
  readonly onClosed?: () => Promise<void> | undefined;
}

/** Makes Streamable HTTP wires (MCP 2025-03-26 to 2025-11-25). */
export class HttpConnector implements WireConnector {
  readonly origin: string | undefined;
  readonly knock: Knock | undefined;
  readonly #options: HttpWireOptions;

  constructor(options: HttpWireOptions) {
    this.#options = options;
    this.origin = options.origin;
    this.knock = options.knock;
  }

  open(initialize: Request, events: WireEvents, signal: AbortSignal): Promise<OpenOutcome> {
    const exchange = this.#open(initialize, events, signal);
    return watched({ message: initialize, exchange }, events, this.#options.clock);
  }

  async close(): Promise<void> {
    await this.#options.onClosed?.();
  }

  /** The wire of a session that was opened elsewhere. */
  attach(agreement: NegotiatedSession, events: WireEvents): Wire {
    return new HttpWire({ ...this.#options, events }, agreement);
  }

  async #open(initialize: Request, events: WireEvents, signal: AbortSignal): Promise<OpenOutcome> {
    let sessionId: string | undefined;
    const context = { ...this.#options, events };
    const outcome = await post(context, { agreement: undefined }, initialize, signal, {
      // Only here is an id taken from a response: on errors it may be another session's (protocol.md, 0.7).
      onResponse: (response) => {
        sessionId = sessionIdIn(response.headers.get(SESSION_ID_HEADER));
      },
    });
    if (outcome.kind === 'accepted') return unusable('The server accepted initialize without answering it.');
    if (outcome.kind !== 'answered') return outcome;
    if (isErrorResponse(outcome.response)) return { kind: 'refused', response: outcome.response };
    const { protocolVersion } = outcome.response.result;
    if (typeof protocolVersion !== 'string')
      return unusable('The answer to initialize names no protocol version.');
    if (sessionId !== undefined && !isUsableSessionId(sessionId, context.limits.maxSessionIdLength)) {
      return unusable(
        'The session id is not one of visible ASCII, or longer than limits.maxSessionIdLength.',
      );
    }
    const agreement = { sessionId, protocolVersion };
    return { kind: 'opened', wire: new HttpWire(context, agreement), response: outcome.response, agreement };
  }
}

type HttpContext = HttpWireOptions & PostContext;

class HttpWire implements Wire {
  readonly #context: HttpContext;
  readonly #agreement: NegotiatedSession;
  readonly #sender: Sender;
  readonly #abort = new AbortController();
  /** What ends each exchange that said how. */
  readonly #running = new Set<() => void>();

  constructor(context: HttpContext, agreement: NegotiatedSession) {
    this.#context = context;
    this.#agreement = agreement;
    this.#sender = { agreement };
  }

  request(request: Request, options: RequestOptions): Promise<Outcome> {
    return this.#watched({ message: request }, options, (hooks) =>
      this.#during(options, (signal) => post(this.#context, this.#sender, request, signal, hooks)),
    );
  }

  notify(message: Notification | RpcResponse, signal?: AbortSignal): Promise<Outcome> {
    const exchange = post(this.#context, this.#sender, message, this.#until(signal), {});
    return watched({ message, exchange }, this.#context.events, this.#context.clock);
  }

  /** By GET with `Last-Event-ID`, also for the stream of a POST (MCP 2025-11-25, resumability). */
  resumeStream(request: Request, lastEventId: string, options: RequestOptions): Promise<Outcome> {
    return this.#watched({ message: request, resuming: true }, options, (hooks) =>
      this.#takeUp(request, lastEventId, hooks),
    );
  }

  async #takeUp(request: Request, lastEventId: string, options: RequestOptions): Promise<Outcome> {
    const signal = this.#until(options.signal);
    try {
      return await this.#context.authorization.during(signal, (onChallenge) =>
        this.#resume(request, lastEventId, { ...options, signal }, onChallenge),
      );
    } catch (error) {
      if (signal.aborted) return { kind: 'aborted' };
      if (!isResilientMcpError(error)) return networkOutcome(error);
      // Not `failed`: the request itself was sent long ago, and may have run.
      const resumeRefused = error.code !== 'SERVER_UNAVAILABLE';
      return { kind: 'broken', because: error.message, resumeRefused, cause: error };
    }
  }

  async listen(options: ListenOptions): Promise<ListenOutcome> {
    const signal = this.#until(options.signal);
    const { authorization, init } = this.#context;
    const verdict = this.#verdict.bind(this);
    try {
      return await authorization.during(signal, async (onChallenge) => {
        const headers = await this.#headers(ACCEPT_STREAM);
        const challenged = (response: HttpResponse) => onChallenge(response, headers);
        const onOpen = () => {
          authorization.succeeded(headers);
          options.onOpen();
        };
        const request = { ...options, onOpen, signal, headers, init, verdict, onChallenge: challenged };
        return listen(this.#context, request);
      });
    } catch (error) {
      if (signal.aborted) return { kind: 'aborted' };
      const because = describeError(error);
      return isResilientMcpError(error, 'UNAUTHORIZED')
        ? { kind: 'unclear', because, status: error.status ?? 401 }
        : { kind: 'unavailable', because };
    }
  }

  underId(sessionId: string): Wire {
    // That it is refused is what is expected, and no fact of the session.
    const events = { ...this.#context.events, onFailure: () => {} };
    return new HttpWire({ ...this.#context, events }, { ...this.#agreement, sessionId });
  }

  async end(signal: AbortSignal): Promise<TerminationResult> {
    if (this.#agreement.sessionId === undefined) return 'not offered';
    try {
      const { url, fetch, init } = this.#context;
      const response = await fetch(url, {
        ...init,
        method: 'DELETE',
        headers: await this.#headers(),
        signal,
      });
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

  async #resume(
    request: Request,
    lastEventId: string,
    options: RequestOptions,
    onChallenge: OnChallenge,
  ): Promise<Outcome> {
    const { url, fetch, init } = this.#context;
    const { signal } = options;
    const headers = await this.#headers(ACCEPT_STREAM);
    headers.set(LAST_EVENT_ID_HEADER, lastEventId);
    const response = await fetch(url, { ...init, method: 'GET', headers, signal, connection: 'kept' });
    if (response.ok) {
      this.#context.authorization.succeeded(headers);
      return readAnswer(this.#context, response, { ...options, requestId: request.id });
    }
    const verdict = this.#verdict('GET', response, await readRefusal(this.#context, response, headers), true);
    if (verdict.kind === 'authorization') await onChallenge(response, headers);
    return refusedResumption(verdict, response.status);
  }

  #headers(accept?: string): Promise<Headers> {
    return sessionHeaders(this.#context, this.#agreement, accept);
  }

  #verdict(method: 'GET', response: HttpResponse, body: string, resuming: boolean) {
    return verdictOf({
      method,
      sentSessionId: this.#agreement.sessionId !== undefined,
      initialize: false,
      resuming,
      status: response.status,
      body,
      challenge: response.headers.get('www-authenticate'),
    });
  }

  /** An exchange that is told of if it fails. */
  #watched(
    about: Pick<Watched<Outcome>, 'message' | 'resuming'>,
    options: RequestOptions,
    act: (options: RequestOptions) => Promise<Outcome>,
  ): Promise<Outcome> {
    let hasEventId = false;
    const onEventId = (id: string) => {
      hasEventId = true;
      options.onEventId?.(id);
    };
    const exchange = act({ ...options, onEventId });
    const { events, clock } = this.#context;
    return watched({ ...about, exchange, isResumable: () => hasEventId }, events, clock);
  }

  /** An exchange that ends with the wire. */
  async #during(
    { signal, abort }: RequestOptions,
    act: (signal: AbortSignal) => Promise<Outcome>,
  ): Promise<Outcome> {
    if (!abort) return act(this.#until(signal));
    if (this.#abort.signal.aborted) abort();
    this.#running.add(abort);
    try {
      return await act(signal);
    } finally {
      this.#running.delete(abort);
    }
  }

  #until(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([this.#abort.signal, signal]) : this.#abort.signal;
  }
}

function refusedResumption(verdict: Verdict, status: number): Outcome {
  if (verdict.kind === 'unavailable') {
    return { kind: 'unavailable', interruption: 'unknown', because: verdict.because, status };
  }
  const because = `the stream could not be resumed (${status})`;
  const gone: Outcome = { kind: 'broken', resumeRefused: true, because, status };
  return verdict.kind === 'unclear' ? { ...verdict, interruption: 'unknown', status, otherwise: gone } : gone;
}

function unusable(message: string): OpenOutcome {
  return { kind: 'failed', error: new ResilientMcpError('PROTOCOL_VIOLATION', message) };
}
