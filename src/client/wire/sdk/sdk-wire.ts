import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { Clock } from '../../../base/environment.ts';
import { describeError, isResilientMcpError, ResilientMcpError } from '../../../protocol/errors.ts';
import {
  isErrorResponse,
  isNotification,
  isRequest,
  isResponse,
  isSameId,
  knownId,
  type Notification,
  progressTokenOf,
  type Request,
  type RequestId,
  type Response,
  tokenOf,
} from '../../../protocol/message.ts';
import { answered, type Outcome } from '../../../protocol/outcome.ts';
import type { ScannedMessage } from '../../../protocol/text/envelope-scan.ts';
import { withId } from '../../../protocol/text/message-text.ts';
import type { WrappedTransport } from '../../../protocol/wrapped-transport.ts';
import type {
  ListenOptions,
  ListenOutcome,
  OpenOutcome,
  RequestOptions,
  TerminationResult,
  Wire,
  WireConnector,
  WireEvents,
} from '../wire.ts';
import { isStreamBreak, isToldBySend, type SentMessage, sendFailure, startFailure } from './sdk-errors.ts';

export interface SdkWireOptions {
  readonly clock: Clock;
  /** See {@link WireConnector}. */
  readonly origin?: string;
  readonly knock?: WireConnector['knock'];
  /** What the transports send that must not be shown, and what is shown in its place. */
  readonly secrets?: ReadonlyMap<string, string>;
}

/**
 * Makes wires of transports of the SDK's kind, such as those for stdio and for HTTP+SSE. Such a transport is its
 * session: when the process or the stream ends so does the session, and the next one needs a new transport. There is
 * never more than one: the next is made when the one before has been closed, since a program may hold what only one
 * can hold.
 */
export class SdkConnector implements WireConnector {
  readonly origin: string | undefined;
  readonly knock: WireConnector['knock'];
  readonly #make: () => WrappedTransport;
  readonly #options: SdkWireOptions;
  #latest: SdkWire | undefined;

  /** @param make makes a transport that was not started; called once for each session */
  constructor(make: () => WrappedTransport, options: SdkWireOptions) {
    this.#make = make;
    this.#options = options;
    this.origin = options.origin;
    this.knock = options.knock;
  }

  async open(initialize: Request, events: WireEvents, signal: AbortSignal): Promise<OpenOutcome> {
    await Promise.race([this.#latest?.over, aborted(signal)]);
    if (signal.aborted) return { kind: 'aborted' };
    const wire = new SdkWire(this.#make(), events, this.#options);
    this.#latest = wire;
    const outcome = await wire.open(initialize, signal);
    if (outcome.kind !== 'opened') wire.abort();
    return outcome;
  }

  async close(signal: AbortSignal): Promise<void> {
    await this.#latest?.end(signal);
  }
}

/** A message whose end has not come. */
interface Pending {
  readonly settle: (outcome: Outcome) => void;
  /** Of a request: its id, and the token under which its progress is told. */
  readonly id?: RequestId;
  readonly token?: string | number | undefined;
  readonly onHeard?: (() => void) | undefined;
}

class SdkWire implements Wire {
  readonly #transport: WrappedTransport;
  readonly #events: WireEvents;
  readonly #options: SdkWireOptions;
  readonly #pending = new Set<Pending>();
  readonly #byId = new Map<RequestId, Pending>();
  readonly #gone = Promise.withResolvers<void>();
  readonly #over = Promise.withResolvers<void>();
  #isStarted = false;
  #goneBecause: string | undefined;
  #endedByItself = false;
  #isClosing = false;

  constructor(transport: WrappedTransport, events: WireEvents, options: SdkWireOptions) {
    this.#transport = transport;
    this.#events = events;
    this.#options = options;
    transport.onmessage = (message: JSONRPCMessage) => this.#hear(message);
    transport.onerror = (error) => this.#warn(error);
    transport.onclose = () => this.#end(transport.ending?.message ?? 'the server closed it');
    transport.onoutput = (line) => events.onOutput(line);
    transport.ontoolong = (message, error) => this.#refuse(message, error);
  }

  /** Resolves when nothing of the transport is left. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  async open(initialize: Request, signal: AbortSignal): Promise<OpenOutcome> {
    try {
      await Promise.race([this.#transport.start(), aborted(signal)]);
    } catch (error) {
      return startFailure(error, this.#sent(initialize));
    }
    this.#isStarted = true;
    const outcome = await this.request(initialize, { signal });
    if (outcome.kind === 'lost' || outcome.kind === 'broken') return this.#notOpened(outcome.because);
    if (outcome.kind !== 'answered') return outcome as OpenOutcome;
    const { response } = outcome;
    if (isErrorResponse(response)) return { kind: 'refused', response };
    const { protocolVersion } = response.result;
    if (typeof protocolVersion !== 'string') {
      const message = 'The answer to initialize names no protocol version.';
      return { kind: 'failed', error: new ResilientMcpError('PROTOCOL_VIOLATION', message) };
    }
    this.#transport.setProtocolVersion?.(protocolVersion);
    const negotiated = { sessionId: undefined, protocolVersion, isWire: true } as const;
    return { kind: 'opened', wire: this, response, negotiated };
  }

  async request(request: Request, { signal, onHeard }: RequestOptions): Promise<Outcome> {
    if (signal.aborted) return { kind: 'aborted' };
    const { promise, resolve: settle } = Promise.withResolvers<Outcome>();
    const { id } = request;
    const pending = { settle, id, token: progressTokenOf(request), onHeard };
    this.#byId.set(id, pending);
    this.#write(request, pending).catch((error: unknown) => settle(sendFailure(error, this.#sent(request))));
    return this.#settled(promise, pending, signal).finally(() => {
      if (this.#byId.get(id) === pending) this.#byId.delete(id);
    });
  }

  /** No transport of this kind has streams that can be taken up. */
  async resumeStream(): Promise<Outcome> {
    return { kind: 'broken', because: 'its stream is gone', resumeRefused: true };
  }

  async notify(message: Notification | Response, signal?: AbortSignal): Promise<Outcome> {
    const { promise, resolve: settle } = Promise.withResolvers<Outcome>();
    const pending = { settle };
    this.#write(message, pending).then(
      () => settle({ kind: 'accepted' }),
      (error: unknown) => settle(sendFailure(error, this.#sent(message))),
    );
    return this.#settled(promise, pending, signal);
  }

  /** The transport is the stream of the server itself: open for as long as the session is. */
  async listen({ signal, onOpen }: ListenOptions): Promise<ListenOutcome> {
    if (this.#goneBecause === undefined) onOpen();
    await Promise.race([this.#gone.promise, aborted(signal)]);
    return signal.aborted ? { kind: 'aborted' } : { kind: 'gone', because: this.#goneBecause ?? '' };
  }

  async end(signal: AbortSignal): Promise<TerminationResult> {
    this.#close();
    await Promise.race([this.over, aborted(signal)]);
    if (signal.aborted) {
      if (!this.#transport.kill) return 'failed';
      this.#transport.kill();
      await this.over;
    }
    return this.#endedByItself ? 'already gone' : 'closed';
  }

  abort(): void {
    for (const { settle } of this.#pending) settle({ kind: 'aborted' });
    this.#close();
  }

  #sent(message: Request | Notification | Response): SentMessage {
    const { secrets = new Map(), clock } = this.#options;
    const asked = isRequest(message) ? message : undefined;
    return { requestId: asked?.id, initialize: asked?.method === 'initialize', secrets, now: clock.now() };
  }

  /** Hands a message to the transport; rejects as its `send()` does, and by its own end. */
  async #write(message: Request | Notification | Response, pending: Pending): Promise<void> {
    if (this.#goneBecause !== undefined) pending.settle({ kind: 'lost', because: this.#goneBecause });
    else await this.#transport.send(message as JSONRPCMessage);
  }

  /** Waits for the end of a message, whichever way it comes. */
  async #settled(
    ended: Promise<Outcome>,
    pending: Pending,
    signal: AbortSignal | undefined,
  ): Promise<Outcome> {
    const giveUp = () => pending.settle({ kind: 'aborted' });
    this.#pending.add(pending);
    signal?.addEventListener('abort', giveUp, { once: true });
    try {
      return await ended;
    } finally {
      signal?.removeEventListener('abort', giveUp);
      this.#pending.delete(pending);
    }
  }

  #hear(message: JSONRPCMessage): void {
    const asked = this.#askedFor(message);
    asked?.onHeard?.();
    if (asked?.id !== undefined && isResponse(message)) {
      asked.settle(answered(message.id === asked.id ? message : withId(message, asked.id)));
    } else this.#events.onMessage(message, asked?.id);
  }

  #refuse(message: ScannedMessage, error: ResilientMcpError): void {
    const asked = message.isAnswer ? this.#byId.get(knownId(message.id, this.#byId)) : undefined;
    if (asked) asked.settle({ kind: 'failed', error });
    else this.#events.onTooLong(message, error);
  }

  /** The request that a message answers, or whose progress it tells. */
  #askedFor(message: JSONRPCMessage): Pending | undefined {
    if (isResponse(message)) return this.#byId.get(knownId(message.id, this.#byId));
    if (!isNotification(message) || message.method !== 'notifications/progress') return undefined;
    const token = tokenOf(message);
    if (token === undefined) return undefined;
    return [...this.#byId.values()].find((request) => isSameId(request.token, token));
  }

  #warn(error: Error): void {
    if (isStreamBreak(error)) {
      // Before it was open, start() rejects with it.
      if (this.#isStarted) this.#end(`the stream ended (${describeError(error)})`);
    } else if (!isToldBySend(error)) {
      const words = describeError(error);
      const known = isResilientMcpError(error) ? error : undefined;
      this.#events.onWarning(known ?? new ResilientMcpError('PROTOCOL_VIOLATION', words, { cause: error }));
    }
  }

  /** It ended: what was sent may have run, and what comes from now on is refused. */
  #end(because: string): void {
    this.#endedByItself ||= !this.#isClosing;
    this.#goneBecause ??= because;
    const cut: Outcome = { kind: 'broken', because: this.#goneBecause, cause: this.#transport.ending };
    for (const { settle } of this.#pending) settle(cut);
    this.#gone.resolve();
    // An SSE transport would open another stream.
    this.#close();
  }

  #notOpened(because: string): OpenOutcome {
    const cause = this.#transport.ending;
    return { kind: 'unavailable', interruption: 'notExecuted', because, cause };
  }

  /** Some transports tell of their end from within `close()`, and some later. */
  #close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#goneBecause ??= 'it was closed';
    void this.#transport
      .close()
      .catch(() => {})
      .finally(() => {
        this.#end('it was closed');
        this.#over.resolve();
      });
  }
}

/** Resolves when the signal aborts. */
function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
