import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { isLoopback } from '../base/address-zones.ts';
import { systemEnvironment } from '../base/environment.ts';
import { ResilientMcpError } from '../protocol/errors.ts';
import { checkOptions, withDefaults } from './checked-options.ts';
import { ConnectionTransport } from './connection-transport.ts';
import type { Fault, FaultKind } from './fault.ts';
import type { HealingTransport } from './healing-transport.ts';
import type { ResumableSession } from './memory/resumable.ts';
import type { ConnectionSnapshot } from './observe/snapshot.ts';
import {
  DEFAULT_LIMITS,
  type HealingOptions,
  type Limits,
  type ResilientTransportOptions,
} from './options.ts';
import { asFetch } from './wire/http/as-fetch.ts';
import { Authorization } from './wire/http/auth/authorization.ts';
import { chooseClient } from './wire/http/choose-client.ts';
import { FaultHook } from './wire/http/fault-hook.ts';
import { HttpConnector } from './wire/http/http-connector.ts';
import { knockAt } from './wire/http/node/knock.ts';
import { withinOrigin } from './wire/http/redirect.ts';
import { recognizable } from './wire/sdk/sdk-unauthorized.ts';
import { SdkConnector } from './wire/sdk/sdk-wire.ts';
import type { WireEvents } from './wire/wire.ts';

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
export class ResilientTransport extends ConnectionTransport {
  readonly #authorization: Authorization;
  readonly #connector: HttpConnector;
  readonly #faults: FaultHook;
  readonly #continued: string | undefined;
  readonly #endpoint: string;
  #protocolVersion: string | undefined;

  /** @throws ResilientMcpError `INVALID_CONFIGURATION` for a url that is not http or https, or an option that cannot be used */
  constructor(url: URL | string, options: ResilientTransportOptions = {}) {
    checkOptions(options);
    const target = parseUrl(url);
    const given = { ...(options.fetch && { fetch: options.fetch }), ...options.environment };
    const environment = systemEnvironment(given);
    const { clock } = environment;
    const limits: Limits = withDefaults(DEFAULT_LIMITS, options.limits);
    const { authProvider, requestInit, headers, reconnectionOptions: stream } = options;
    const init = baseInit(requestInit);
    const http = chooseClient(target, given, init);
    const faults = new FaultHook(http.send, clock);
    const fetch = withinOrigin(given.fetch ?? asFetch(http.send));
    const timeoutMs = options.authorizationTimeoutMs ?? 10_000;
    const authorization = new Authorization(
      {
        serverUrl: target,
        fetch,
        clock,
        init,
        timeoutMs,
        maxBodyBytes: limits.maxBodyBytes,
        allows: options.authorizationAllows ?? {},
      },
      { authProvider, requestInit, headers },
    );
    const send = withinOrigin(faults.fetch);
    const onClosed = async () => {
      const { underWay } = authorization;
      const close = () => http.close();
      // A token request that was sent is answered first; nobody has to wait for that.
      if (underWay) void underWay.then(close, close);
      else await close();
    };
    const connector = new HttpConnector({
      url: target,
      fetch: send,
      clock,
      limits,
      authorization,
      init,
      // Over a client of the caller's the address is a name, and nobody need listen there.
      origin: given.http ? undefined : target.origin,
      knock: given.knock ?? (isLoopback(target.hostname) && !given.http ? knockAt(target) : undefined),
      onClosed,
    });
    const endpoint = target.origin + target.pathname;
    const { resume: state } = options;
    const attach = (events: WireEvents) => connector.attach(state as ResumableSession, events);
    super(connector, environment, options, {
      stored: state?.endpoint === endpoint ? { state, attach } : undefined,
      proofAfterMs: options.proofAfterMs,
      resendAfterMs: options.resendAfterMs,
      proofTimeoutMs: options.proofTimeoutMs,
      asksWhenUnclear: options.unclearAnswers !== 'ignore',
      streamDelayMs: stream?.initialReconnectionDelay,
      maxStreamDelayMs: stream?.maxReconnectionDelay,
      maxRefusedStreamDelayMs: options.maxRefusedStreamDelayMs,
      endsSession: options.endSessionOnClose,
    });
    this.#authorization = authorization;
    authorization.onSignedIn(() => this.connection.retry());
    this.#connector = connector;
    this.#faults = faults;
    this.#continued = options.sessionId;
    this.#endpoint = endpoint;
  }

  /**
   * The same over any other transport of the SDK's kind, such as those for stdio and for HTTP+SSE. Such a transport is
   * its session: when its process or its stream ends, another is made, and everything is restored.
   *
   *     ResilientTransport.over(() => new StdioClientTransport({ command: 'node', args: ['server.js'] }))
   *
   * @param make makes a transport that was not started; called once for each session, never before the last was closed
   */
  static over(make: () => Transport, options: HealingOptions = {}): HealingTransport {
    checkOptions(options);
    const environment = systemEnvironment(options.environment);
    return new ConnectionTransport(new SdkConnector(make, environment), environment, options);
  }

  /** The id of the session of the moment; undefined before the first, and for a stateless server. */
  override get sessionId(): string | undefined {
    // Read by the SDK's Client before it connects: with an id it skips initialize (protocol.md, D.3).
    return super.sessionId ?? (this.isStarted ? undefined : this.#continued);
  }

  /** The protocol version of the session of the moment. */
  override get protocolVersion(): string | undefined {
    return super.protocolVersion ?? this.#protocolVersion;
  }

  /**
   * What another connection needs to go on with the session of the moment (option `resume`). A credential: do not log
   * it. Undefined while there is no session, and for a server that gives sessions no ids.
   */
  get resumable(): ResumableSession | undefined {
    const held = this.connection.resumable;
    return held && { endpoint: this.#endpoint, ...held };
  }

  /** @throws ResilientMcpError `INVALID_STATE` when it was started before */
  override async start(): Promise<void> {
    await super.start();
    const sessionId = this.#continued;
    if (sessionId === undefined) return;
    // The version may be told later (setProtocolVersion), so it is read at each request.
    const version = () => this.#protocolVersion ?? ASSUMED_PROTOCOL_VERSION;
    const negotiated = {
      sessionId,
      get protocolVersion() {
        return version();
      },
    };
    this.connection.attach((events) => this.#connector.attach(negotiated, events), negotiated);
  }

  /**
   * Ends the session (DELETE, unless told otherwise) and everything under way.
   * @param options `keepSession`: the server is not told, and another connection may go on with `resumable`
   */
  override close(options: { readonly keepSession?: boolean } = {}): Promise<void> {
    this.#authorization.close();
    return super.close(options);
  }

  /** As in the SDK: ends the session at the server. The next request opens a new one. */
  terminateSession(): Promise<void> {
    return this.connection.terminate();
  }

  /**
   * As in the SDK: completes an authorization with what came back to the redirect address. Every connection of the
   * provider that waits for it goes on at once.
   * @param given the code, as in the SDK 1.x; or the whole query, of which the issuer is checked too (RFC 9207)
   * @param issuer its `iss`, where only the code is given
   * @throws ResilientMcpError `UNAUTHORIZED` when it was refused, `SERVER_UNAVAILABLE` when nobody answered
   */
  async finishAuth(given: string | URLSearchParams, issuer?: string): Promise<void> {
    try {
      await this.#authorization.finish(given, issuer);
    } catch (error) {
      throw await recognizable(error);
    }
  }

  /** As in the SDK. Each session sends the version that its own handshake agreed on; this is for a continued one. */
  setProtocolVersion(version: string): void {
    this.#protocolVersion = version;
  }

  /**
   * Replaces the session now: DELETE, a new handshake, everything restored. Requests under way are still answered.
   * @throws ResilientMcpError `SERVER_UNAVAILABLE` and its like when no new session could be had; attempts go on
   */
  override resetSession(): Promise<ConnectionSnapshot> {
    this.#authorization.forget();
    return super.resetSession();
  }

  /** Only a session with an id can be refused as unknown. */
  protected override get faultKinds(): readonly FaultKind[] {
    return this.sessionId === undefined ? ['cut', 'refuse'] : ['lost-404', 'lost-400', 'cut', 'refuse'];
  }

  protected override inject(fault: Fault): void {
    if (fault.kind !== 'kill') this.#faults.inject(fault);
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
