import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Disposable, EventEmitter, type LogOutputChannel } from 'vscode';
import { type Clock, sleep, systemClock } from '../../base/environment.ts';
import { printableJson } from '../../base/printable.ts';
import { isSameData } from '../../base/same-data.ts';
import type { Subscription } from '../../client/observe/journal.ts';
import type { HubGateway } from '../../hub/gateway/gateway.ts';
import { provenConnection } from '../../hub/gateway/proven-connection.ts';
import { WINDOW_FOLDER, type WindowFile } from '../../hub/gateway/window-file.ts';
import { WindowPlace } from '../../hub/gateway/window-place.ts';
import type { Hub } from '../../hub/hub.ts';
import type { RefusedClient } from '../../hub/snapshot.ts';
import { describeError, isResilientMcpError, ResilientMcpError } from '../../protocol/errors.ts';
import { renderGatewayLine } from '../text/log-line.ts';
import { endpointName } from '../text/server-names.ts';
import type { GatewayCredentials, GatewayState } from './gateway-state.ts';

/** The part of this window's gateway that commands need. `GatewayHost` implements it. */
export interface GatewayAccess {
  /** The servers by name, with their addresses. Rejects when the gateway can't listen. */
  servers(): Promise<readonly { readonly name: string; readonly url: string }[]>;
  /** The headers that authenticate a client: a credential. Rejects when the gateway can't listen. */
  headers(): Promise<Readonly<Record<string, string>>>;
  /** Replaces the token; old headers become invalid. Rejects when the gateway can't listen. */
  renewToken(): Promise<void>;
}

/** How long to wait for a known port that is in use, in ms: its last holder may be ending. */
const PORT_PATIENCE_MS = 3_000;
const PORT_RETRY_MS = 100;
/** The limit for the proof of the program that uses the port, in ms. */
const PROOF_MS = 5_000;
const TOKEN_BYTES = 32;

export interface GatewayHostOptions {
  readonly hub: Hub;
  readonly keeping: GatewayState;
  readonly log: LogOutputChannel;
  /** Path of the extension's storage, common to all windows of this user. */
  readonly storage: string;
  /** The name of the open workspace, for people. */
  readonly workspace: string;
  /** Called when clients with the old address need a new one. */
  readonly onMoved: () => void;
  /** For tests. Default: the platform's. */
  readonly clock?: Clock;
}

/** The arguments of `attach` for a server. Constant while the server is configured. */
export interface AttachedServer {
  /** As in the configuration. */
  readonly name: string;
  readonly args: readonly string[];
}

/** A server with its gateway URL. */
export interface OfferedServer {
  /** As in the configuration. */
  readonly name: string;
  /** Without credentials. Stable for the window's lifetime and across reloads. */
  readonly url: string;
}

/**
 * The gateway of this window, through which VS Code's MCP client and all other clients of this machine reach
 * the hub's servers. Starts with the first server, at its last port.
 */
export class GatewayHost implements Disposable {
  readonly #options: GatewayHostOptions;
  readonly #attachToken = randomBytes(TOKEN_BYTES).toString('base64url');
  readonly #passingToken = randomBytes(TOKEN_BYTES).toString('base64url');
  readonly #changes = new EventEmitter<void>();
  /** The names in {@link servers} have changed. */
  readonly onDidChange = this.#changes.event;
  #names: readonly string[] = [];
  #markRead = () => {};
  /** Resolves when the configuration is read and the list of servers is final. Inputs may take a while. */
  readonly #isRead = new Promise<void>((resolve) => {
    this.#markRead = resolve;
  });
  #opening: Promise<HubGateway> | undefined;
  #credentials: GatewayCredentials | undefined;
  #port = 0;
  #gateway: HubGateway | undefined;
  #place: WindowPlace | undefined;
  #isClosed = false;
  readonly #watching: Subscription;

  constructor(options: GatewayHostOptions) {
    this.#options = options;
    this.#watching = options.hub.onDidApply((names) => this.#applied(names));
  }

  /** The current servers. Waits until the gateway listens. @throws ResilientMcpError when it can't */
  async servers(): Promise<readonly OfferedServer[]> {
    await this.#isRead;
    if (this.#names.length === 0) return [];
    const gateway = await this.#listening();
    return this.#names.map((name) => ({ name, url: gateway.urlOf(name) }));
  }

  /** The headers that authenticate a client: a credential. @throws ResilientMcpError when the gateway can't listen */
  async headers(): Promise<Record<string, string>> {
    const { token } = await this.#listening();
    await this.#options.keeping.handOut();
    return { Authorization: `Bearer ${token}` };
  }

  /** Replaces the token, and cuts connections with the old one. */
  async renewToken(): Promise<void> {
    const { keeping, log } = this.#options;
    const gateway = await this.#listening();
    await keeping.renewToken();
    this.#setToken(gateway, this.#port);
    log.info('gatewayTokenRenewed');
  }

  /** The same servers for `attach`. Does not wait for the gateway: `attach` locates it later. */
  async attached(): Promise<readonly AttachedServer[]> {
    await this.#isRead;
    const stem = await this.#stem();
    return this.#names.map((name) => ({ name, args: [stem, endpointName(name)] }));
  }

  /**
   * Closes the hub and stops listening. After a restart clients resume their sessions, at the servers too.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#markRead();
    const gateway = await this.#opening?.catch(() => undefined);
    await this.#place?.forget();
    await (gateway ?? this.#options.hub).close({ keepSessions: true });
  }

  dispose(): void {
    this.#watching.dispose();
    this.#changes.dispose();
  }

  /** The gateway, listening. After a failure the next call tries again. */
  #listening(): Promise<HubGateway> {
    if (this.#isClosed) {
      return Promise.reject(new ResilientMcpError('CONNECTION_CLOSED', 'The gateway was closed.'));
    }
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  #applied(names: readonly string[]): void {
    const isSame = isSameData(names, this.#names);
    this.#names = names;
    this.#markRead();
    if (names.length > 0) this.#listening().catch((error: unknown) => this.#failed(error));
    if (!isSame) this.#changes.fire();
  }

  async #open(): Promise<HubGateway> {
    const { keeping, log, clock = systemClock } = this.#options;
    const credentials = await keeping.credentials((why) =>
      log.warn(`gatewayNotKept reason=${printableJson(why)}`),
    );
    this.#credentials = credentials;
    // Kept after a failed start: it owns the sessions at the hub.
    this.#gateway ??= await this.#made(credentials);
    const gateway = this.#gateway;
    this.#port = await this.#listen(gateway);
    await this.#tellPlace({ port: this.#port, proofKey: credentials.proofKey });
    void keeping.forgetOld(clock.now());
    return gateway;
  }

  async #made({ sessionKey, proofKey }: GatewayCredentials): Promise<HubGateway> {
    const { hub, keeping, log, clock = systemClock } = this.#options;
    // A separate bundle (esbuild.mjs), not loaded while there are no servers.
    const { HubGateway } = await import('../../hub/gateway/gateway.ts');
    return new HubGateway(hub, {
      sessionKey,
      proofKey,
      attachToken: this.#attachToken,
      passingToken: this.#passingToken,
      onRefused: (name, refused) => this.#logRefused(name, refused),
      memory: keeping.memory(() => clock.now()),
      clock,
      log: (record) => {
        const { level, line } = renderGatewayLine(record);
        log[level](line);
      },
    });
  }

  /** Path of this window's file, without its extension. As stable as the workspace's state. */
  async #stem(): Promise<string> {
    const { keeping, storage } = this.#options;
    return join(storage, WINDOW_FOLDER, await keeping.id());
  }

  /** Publishes the gateway's address for `attach`. Other clients work without it. */
  async #tellPlace(proving: Pick<WindowFile, 'port' | 'proofKey'>): Promise<void> {
    const { workspace, log, clock = systemClock } = this.#options;
    const place = new WindowPlace(await this.#stem());
    this.#place = place;
    const [token, passingToken] = [this.#attachToken, this.#passingToken];
    try {
      await place.tell({ pid: process.pid, ...proving, token, passingToken, workspace });
    } catch (error) {
      log.error(`gatewayNotFound reason=${printableJson(describeError(error))}`);
    }
    void place.forgetOld(clock.now());
  }

  #logRefused(name: string, refused: readonly RefusedClient[]): void {
    const newest = refused.at(-1);
    if (newest?.requests !== 1) return;
    const words = `server=${printableJson(name)} client=${printableJson(newest.client)}`;
    this.#options.log.warn(`clientRefused ${words} reason="no token"`);
  }

  /** @returns the port */
  async #listen(gateway: HubGateway): Promise<number> {
    const { keeping } = this.#options;
    const known = keeping.port;
    // Before listening: clients that know the port may be waiting for it.
    if (known !== undefined) this.#setToken(gateway, known);
    if (known !== undefined && (await this.#startAt(gateway, known))) return known;
    const port = await gateway.start(0);
    if (known === undefined) await keeping.keepPort(port);
    else await this.#leave(known, port);
    this.#setToken(gateway, port);
    return port;
  }

  /**
   * Handles a known port that is in use. If another window of this workspace has it, clients find their
   * gateway there. If another program has it, clients get a new port and token.
   */
  async #leave(known: number, port: number): Promise<void> {
    const { keeping, log, onMoved } = this.#options;
    const isOurs = await this.#isHeldByUs(known);
    const reason = isOurs ? 'another window has the port' : 'a stranger has the port';
    log.warn(`gatewayMoved port=${port} previous=${known} reason="${reason}"`);
    if (isOurs) return;
    const isKnown = keeping.isHandedOut;
    // Covers the case that it gets the same port again by chance.
    await keeping.renewToken();
    await keeping.keepPort(port);
    if (isKnown) onMoved();
  }

  /**
   * Whether a gateway of this workspace listens there. Asked without the token, which another program must
   * not receive.
   */
  async #isHeldByUs(port: number): Promise<boolean> {
    const key = this.#credentials?.proofKey;
    if (key === undefined) return false;
    const asking = provenConnection({ port, key, clock: systemClock, limitMs: PROOF_MS });
    return asking.then(
      (socket) => socket.destroy().destroyed,
      () => false,
    );
  }

  #setToken(gateway: HubGateway, port: number): void {
    if (this.#credentials) gateway.changeToken(this.#credentials.tokenAt(port));
  }

  /** Takes the port as soon as it is free. False when it stays in use. */
  async #startAt(gateway: HubGateway, port: number): Promise<boolean> {
    const { clock = systemClock } = this.#options;
    const deadline = clock.monotonic() + PORT_PATIENCE_MS;
    for (;;) {
      try {
        await gateway.start(port);
        return true;
      } catch (error) {
        if (!isResilientMcpError(error)) throw error;
        // Any other failure also concerns this port: it is reserved or not permitted.
        if (error.code !== 'PORT_TAKEN' || clock.monotonic() >= deadline) return false;
        await sleep(clock, PORT_RETRY_MS, new AbortController().signal);
      }
    }
  }

  #failed(error: unknown): void {
    this.#options.log.error(`gatewayFailed reason=${printableJson(describeError(error))}`);
  }
}
