import type { TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import type { Environment } from '../base/environment.ts';
import { refusedEra } from '../protocol/eras.ts';
import { ResilientMcpError } from '../protocol/errors.ts';
import { isNotification, isRequest, isResponse, type Request, type Response } from '../protocol/message.ts';
import { withDefaults } from './checked-options.ts';
import { Connection } from './connection.ts';
import type { ConnectionOptions } from './connection-options.ts';
import type { Fault, FaultKind } from './fault.ts';
import type { HealingTransport, MessageOrigin } from './healing-transport.ts';
import type { JournalReader, Subscription } from './observe/journal.ts';
import type { MetricsSnapshot } from './observe/metrics.ts';
import type { ConnectionSnapshot } from './observe/snapshot.ts';
import { DEFAULT_LIMITS, DEFAULT_RECOVERY, DEFAULT_REPLAY, type HealingOptions } from './options.ts';
import { recognizable } from './wire/sdk/sdk-unauthorized.ts';
import type { WireConnector } from './wire/wire.ts';

/** How a connection over some kind of wire differs from one over another. */
export interface WireTraits {
  /** What may take the place of the defaults that HTTP has. */
  readonly recovery?: HealingOptions['recovery'];
  /** See `ResilientTransportOptions.proofAfterMs`. */
  readonly proofAfterMs?: number | undefined;
  /** See `ResilientTransportOptions.resendAfterMs`. */
  readonly resendAfterMs?: number | undefined;
  readonly proofTimeoutMs?: number | undefined;
  /** Whether a ping is asked where an answer only looks like a lost session. Default true. */
  readonly asksWhenUnclear?: boolean;
  /** Wait before the server's own stream is opened again, in ms: the first and the longest. */
  readonly streamDelayMs?: number | undefined;
  readonly maxStreamDelayMs?: number | undefined;
  readonly maxRefusedStreamDelayMs?: number | undefined;
  /** The session of an earlier connection to go on with, and the way to it. */
  readonly stored?: ConnectionOptions['stored'];
  /** Whether the server is told when the connection closes. Default true. */
  readonly endsSession?: boolean | undefined;
}

/** The SDK's `Transport` over a connection that heals itself, whatever its wire is made of. */
export class ConnectionTransport implements HealingTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: <T extends JSONRPCMessage>(message: T, origin?: MessageOrigin) => void;
  onstream?: (requestId: RequestId) => void;

  protected readonly connection: Connection;
  readonly #endsSession: boolean;
  #started = false;
  #closing: Promise<void> | undefined;

  constructor(
    connector: WireConnector,
    environment: Environment,
    options: HealingOptions = {},
    traits: WireTraits = {},
  ) {
    this.#endsSession = traits.endsSession ?? true;
    this.connection = new Connection({
      connector,
      environment,
      limits: withDefaults(DEFAULT_LIMITS, options.limits),
      recovery: withDefaults(DEFAULT_RECOVERY, traits.recovery, options.recovery),
      replay: withDefaults(DEFAULT_REPLAY, options.replay),
      patienceMs: options.patienceMs ?? 30_000,
      connectPatienceMs: options.connectPatienceMs ?? 3000,
      proofAfterMs: traits.proofAfterMs ?? 1000,
      resendAfterMs: traits.resendAfterMs ?? 5000,
      proofTimeoutMs: traits.proofTimeoutMs ?? 1000,
      keepAlive: {
        idlePingMs: options.idlePingMs ?? 60_000,
        busyPingMs: options.busyPingMs ?? 15_000,
        silenceLimitMs: options.silenceLimitMs ?? 600_000,
      },
      asksWhenUnclear: traits.asksWhenUnclear ?? true,
      streamDelayMs: traits.streamDelayMs ?? 1000,
      maxStreamDelayMs: traits.maxStreamDelayMs ?? 30_000,
      maxRefusedStreamDelayMs: traits.maxRefusedStreamDelayMs ?? 300_000,
      closeTimeoutMs: options.closeTimeoutMs ?? 1000,
      takesOver: options.takeOver ?? false,
      stored: traits.stored,
      onMessage: (message, relatedRequestId) =>
        this.onmessage?.(message, relatedRequestId === undefined ? undefined : { relatedRequestId }),
      onWarning: (error) => this.onerror?.(error),
      onStream: (requestId) => this.onstream?.(requestId),
    });
  }

  /** The facts of this connection, oldest first, and a subscription to later ones. */
  get journal(): JournalReader {
    return this.connection.journal;
  }

  /** The id of the session of the moment; undefined before the first, and for a session that has none. */
  get sessionId(): string | undefined {
    return this.connection.session?.negotiated.sessionId;
  }

  /** The protocol version of the session of the moment. */
  get protocolVersion(): string | undefined {
    return this.connection.session?.negotiated.protocolVersion;
  }

  /** @throws ResilientMcpError `INVALID_STATE` when it was started before */
  async start(): Promise<void> {
    if (this.#started) {
      throw new ResilientMcpError(
        'INVALID_STATE',
        'This transport was started before; Client.connect() starts it.',
      );
    }
    this.#started = true;
  }

  /**
   * Sends one message. For a request: resolves once its answer was handed to `onmessage`.
   * @throws ResilientMcpError see its `code`; `OUTCOME_UNKNOWN` means that the request may or may not have run
   */
  async send(message: JSONRPCMessage, _options?: TransportSendOptions): Promise<void> {
    // A resumption token says nothing here: streams are resumed by the connection itself.
    if (isRequest(message)) return this.#deliver(await this.#answerTo(message));
    if (isNotification(message)) return this.connection.notify(message);
    if (isResponse(message)) return this.connection.respond(message);
    throw new ResilientMcpError('PROTOCOL_VIOLATION', 'That is no JSON-RPC message.');
  }

  /**
   * Ends the session (unless told otherwise) and everything under way.
   * @param options `keepSession`: the server is not told, so that another connection may go on with the session
   */
  close({ keepSession = false }: { readonly keepSession?: boolean } = {}): Promise<void> {
    // The SDK's Client closes a transport whose initialize failed, and does not wait for it; its owner may want to.
    this.#closing ??= this.connection.close(this.#endsSession && !keepSession).then(() => this.onclose?.());
    return this.#closing;
  }

  /**
   * Replaces the session now: its end, a new handshake, everything restored. Requests under way are still answered.
   * @throws ResilientMcpError `SERVER_UNAVAILABLE` and its like when no new session could be had; attempts go on
   */
  async resetSession(): Promise<ConnectionSnapshot> {
    try {
      return await this.connection.reset();
    } catch (error) {
      throw await recognizable(error);
    }
  }

  pause(): void {
    this.connection.pause();
  }

  resume(): void {
    this.connection.resume();
  }

  get faults(): readonly FaultKind[] {
    return this.snapshot().status === 'ready' ? this.faultKinds : [];
  }

  /** @throws ResilientMcpError `INVALID_STATE` for a fault that is not among {@link faults} */
  simulate(fault: Fault): void {
    if (!this.faults.includes(fault.kind)) {
      throw new ResilientMcpError('INVALID_STATE', `The fault "${fault.kind}" can't be simulated here now.`, {
        advice: 'A session has to be held, and one of that kind.',
      });
    }
    this.inject(fault);
  }

  check(): Promise<void> {
    return this.connection.check();
  }

  /** What a display may know, at this moment. */
  snapshot(): ConnectionSnapshot {
    return this.connection.snapshot();
  }

  /** Counters and latencies since the start. */
  metrics(): MetricsSnapshot {
    return this.connection.metrics();
  }

  /** Calls `listener` after every change of state. */
  onDidChange(listener: (snapshot: ConnectionSnapshot) => void): Subscription {
    return this.connection.onDidChange(listener);
  }

  /** The faults that its kind of wire can have. */
  protected get faultKinds(): readonly FaultKind[] {
    return [];
  }

  /** Brings a fault of {@link faultKinds} about. */
  protected inject(_fault: Fault): void {}

  /** Whether it was started. */
  protected get isStarted(): boolean {
    return this.#started;
  }

  async #answerTo(request: Request): Promise<Response | undefined> {
    try {
      return await (this.#ofOtherEra(request) ?? this.connection.request(request));
    } catch (error) {
      throw await recognizable(error);
    }
  }

  /**
   * A client of the SDK 2.x asks, before it initializes, which era the server is of. The answer does not depend on the
   * server, since a connection holds sessions; after that the question is passed on like any other.
   */
  #ofOtherEra(request: Request): Response | undefined {
    // A look at the session first: a snapshot for each request is a tenth of what a request costs here.
    const isFresh = this.#started && !this.connection.session && this.connection.snapshot().status === 'idle';
    return isFresh ? refusedEra(request, 'ResilientTransport') : undefined;
  }

  #deliver(response: Response | undefined): void {
    if (response) this.onmessage?.(response as JSONRPCMessage);
  }
}
