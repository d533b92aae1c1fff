import type { Transport, TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage, MessageExtraInfo } from '@modelcontextprotocol/sdk/types.js';
import { ResilientMcpError } from '../protocol/errors.ts';
import { isNotification, isRequest, isResponse, type Request, type Response } from '../protocol/message.ts';
import { Connection } from './connection.ts';
import { type Environment, systemEnvironment } from './environment.ts';
import { type Fault, FaultHook } from './fault.ts';
import { Authorization } from './http/authorization.ts';
import { HttpWireMaker } from './http/http-wire.ts';
import { withinOrigin } from './http/redirect.ts';
import type { Journal, Subscription } from './journal.ts';
import type { MetricsSnapshot } from './metrics.ts';
import { DEFAULT_LIMITS, DEFAULT_RECOVERY, type Limits, type ResilientTransportOptions } from './options.ts';
import type { ResumableSession } from './resumable.ts';
import type { ConnectionSnapshot } from './snapshot.ts';

/** The version assumed for a continued session until `setProtocolVersion` says otherwise. */
const ASSUMED_PROTOCOL_VERSION = '2025-06-18';

/**
 * A Streamable HTTP client transport whose connection outlives its sessions. A drop-in for the SDK's
 * `StreamableHTTPClientTransport`:
 *
 *     await client.connect(new ResilientTransport(new URL('http://127.0.0.1:3001/mcp')));
 *
 * When the server says that the session is gone, the remembered `initialize` is replayed, what the session held is
 * restored, and the refused requests are sent again; the client never notices. `send()` of a request resolves when
 * its answer was handed to `onmessage`, and rejects with a `ResilientMcpError` when there can be none.
 */
export class ResilientTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: <T extends JSONRPCMessage>(message: T, extra?: MessageExtraInfo) => void;

  readonly #connection: Connection;
  readonly #authorization: Authorization;
  readonly #maker: HttpWireMaker;
  readonly #faults: FaultHook;
  readonly #continued: string | undefined;
  readonly #endpoint: string;
  readonly #held: ResumableSession | undefined;
  readonly #endsSession: boolean;
  #protocolVersion: string | undefined;
  #started = false;
  #closed = false;

  /** @throws ResilientMcpError `INVALID_CONFIGURATION` for a url that is not http or https */
  constructor(url: URL | string, options: ResilientTransportOptions = {}) {
    const target = parseUrl(url);
    const environment = systemEnvironment({
      ...(options.fetch && { fetch: options.fetch }),
      ...options.environment,
    });
    const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#faults = new FaultHook(environment.fetch, environment.clock);
    const fetch = withinOrigin(this.#faults.fetch);
    const { authProvider, requestInit, headers } = options;
    const { clock } = environment;
    const init = baseInit(requestInit);
    this.#continued = options.sessionId;
    this.#endpoint = target.origin + target.pathname;
    this.#held = options.resume?.endpoint === this.#endpoint ? options.resume : undefined;
    this.#endsSession = options.endSessionOnClose ?? true;
    this.#authorization = new Authorization(
      {
        serverUrl: target,
        fetch,
        clock,
        init,
        timeoutMs: options.authorizationTimeoutMs ?? 10_000,
        maxBodyBytes: limits.maxBodyBytes,
      },
      { authProvider, requestInit, headers },
    );
    this.#maker = new HttpWireMaker({
      url: target,
      fetch,
      clock,
      limits,
      authorization: this.#authorization,
      init,
    });
    this.#connection = this.#connect(environment, limits, options);
  }

  /** The facts of this connection, oldest first, and a subscription to later ones. */
  get journal(): Journal {
    return this.#connection.journal;
  }

  /** The id of the session of the moment; undefined before the first, and for a stateless server. */
  get sessionId(): string | undefined {
    // Read by the SDK's Client before it connects: with an id it skips initialize (protocol.md, D.3).
    return this.#connection.session?.agreement.sessionId ?? (this.#started ? undefined : this.#continued);
  }

  /** The protocol version of the session of the moment. */
  get protocolVersion(): string | undefined {
    return this.#connection.session?.agreement.protocolVersion ?? this.#protocolVersion;
  }

  /**
   * What another connection needs to go on with the session of the moment (option `resume`). A credential: do not log
   * it. Undefined while there is no session, and for a server that gives sessions no ids.
   */
  get resumable(): ResumableSession | undefined {
    const held = this.#connection.resumable;
    return held && { endpoint: this.#endpoint, ...held };
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
    const sessionId = this.#continued;
    if (sessionId === undefined) return;
    // The version may be told later (setProtocolVersion), so the agreement reads it at each request.
    const version = () => this.#protocolVersion ?? ASSUMED_PROTOCOL_VERSION;
    const agreement = {
      sessionId,
      get protocolVersion() {
        return version();
      },
    };
    this.#connection.adopt((events) => this.#maker.adopt(agreement, events), agreement);
  }

  /**
   * Sends one message. For a request: resolves once its answer was handed to `onmessage`.
   * @throws ResilientMcpError see its `code`; `OUTCOME_UNKNOWN` means that the request may or may not have run
   */
  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if (options?.resumptionToken !== undefined) return this.#resume(message, options);
    if (isRequest(message)) return this.#deliver(await this.#request(message));
    if (isNotification(message)) return this.#connection.notify(message);
    if (isResponse(message)) return this.#connection.respond(message);
    throw new ResilientMcpError('PROTOCOL_VIOLATION', 'That is no JSON-RPC message.');
  }

  /**
   * Ends the session (DELETE, unless told otherwise) and everything under way.
   * @param options `keepSession`: the server is not told, and another connection may go on with `resumable`
   */
  async close({ keepSession = false }: { readonly keepSession?: boolean } = {}): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#authorization.close();
    await this.#connection.close(this.#endsSession && !keepSession);
    this.onclose?.();
  }

  /** As in the SDK: ends the session at the server. The next request opens a new one. */
  terminateSession(): Promise<void> {
    return this.#connection.terminate();
  }

  /**
   * As in the SDK: completes an authorization with the code that came back to the redirect address. A connection that
   * waits for it goes on at once.
   * @throws ResilientMcpError `UNAUTHORIZED` when the code was refused, `SERVER_UNAVAILABLE` when nobody answered
   */
  async finishAuth(authorizationCode: string): Promise<void> {
    await this.#authorization.finish(authorizationCode);
    this.#connection.retry();
  }

  /** As in the SDK. Each session sends the version that its own handshake agreed on; this is for a continued one. */
  setProtocolVersion(version: string): void {
    this.#protocolVersion = version;
  }

  /**
   * Replaces the session now: DELETE, a new handshake, everything restored. Requests under way are still answered.
   * @throws ResilientMcpError `SERVER_UNAVAILABLE` and its like when no new session could be had; attempts go on
   */
  resetSession(): Promise<ConnectionSnapshot> {
    this.#authorization.forget();
    return this.#connection.reset();
  }

  /** What a display may know, at this moment. */
  snapshot(): ConnectionSnapshot {
    return this.#connection.snapshot();
  }

  /** Counters and latencies since the start. */
  metrics(): MetricsSnapshot {
    return this.#connection.metrics();
  }

  /** Lets something go wrong, to see what the connection makes of it. */
  simulate(fault: Fault): void {
    this.#faults.inject(fault);
  }

  /** Calls `listener` after every change of state. */
  onDidChange(listener: (snapshot: ConnectionSnapshot) => void): Subscription {
    return this.#connection.onDidChange(listener);
  }

  #request(request: Request): Promise<Response | undefined> {
    if (request.method !== 'initialize') return this.#connection.request(request);
    const held = this.#held;
    if (!held) return this.#connection.connect(request);
    return this.#connection.resume(request, held, (events) => this.#maker.adopt(held, events));
  }

  #deliver(response: Response | undefined): void {
    if (response) this.onmessage?.(response as JSONRPCMessage);
  }

  /** Streams are resumed by the connection itself; a token from an earlier process is of no use to it. */
  async #resume(message: JSONRPCMessage, options: TransportSendOptions): Promise<void> {
    const { resumptionToken: _, ...rest } = options;
    return this.send(message, rest);
  }

  #connect(environment: Environment, limits: Limits, options: ResilientTransportOptions): Connection {
    const stream = options.reconnectionOptions;
    return new Connection({
      maker: this.#maker,
      environment,
      limits,
      recovery: { ...DEFAULT_RECOVERY, ...options.recovery },
      replay: { default: 'hints', tools: {}, ...options.replay },
      patienceMs: options.patienceMs ?? 30_000,
      connectPatienceMs: options.connectPatienceMs ?? 3000,
      proofAfterMs: options.proofAfterMs ?? 1000,
      liveness: {
        idlePingMs: options.idlePingMs ?? 60_000,
        busyPingMs: options.busyPingMs ?? 15_000,
        silenceLimitMs: options.silenceLimitMs ?? 600_000,
      },
      asksWhenUnclear: options.unclearAnswers !== 'ignore',
      streamDelayMs: stream?.initialReconnectionDelay ?? 1000,
      maxStreamDelayMs: stream?.maxReconnectionDelay ?? 30_000,
      closeTimeoutMs: options.closeTimeoutMs ?? 1000,
      onMessage: (message) => this.onmessage?.(message),
      onWarning: (error) => this.onerror?.(error),
    });
  }
}

/** What of a `requestInit` is the same for every request; the rest is the transport's to set. */
function baseInit(init: RequestInit | undefined): RequestInit {
  const { method: _method, body: _body, headers: _headers, signal: _signal, ...rest } = init ?? {};
  return rest;
}

function parseUrl(url: URL | string): URL {
  const parsed = URL.canParse(String(url)) ? new URL(url) : undefined;
  if (parsed && (parsed.protocol === 'http:' || parsed.protocol === 'https:')) return parsed;
  throw new ResilientMcpError(
    'INVALID_CONFIGURATION',
    `"${String(url).slice(0, 100)}" is no http or https address.`,
    {
      advice: 'Give the address of the MCP endpoint, such as http://127.0.0.1:3001/mcp.',
    },
  );
}
