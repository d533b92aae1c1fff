import { hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import type { Memento, SecretStorage } from 'vscode';
import type { GatewayMemory } from '../../hub/gateway/index.ts';
import { describeError } from '../../protocol/errors.ts';

/** The editor's storage, which outlives the extension host. */
export interface GatewayStorage {
  /** Of the user, on this machine. */
  readonly secrets: SecretStorage;
  /** Of this window's workspace. */
  readonly workspaceState: Memento;
  /** Of the user, on this machine. */
  readonly globalState: Memento;
}

/** What clients hold in their hands of one gateway: it is the same again after the window was reloaded. */
export interface GatewayCredentials {
  /**
   * What lets clients in at a port, and at no other: whoever listens there when the gateway does not is sent it, and
   * can use it nowhere. Another one after each {@link GatewayState.renewToken}.
   */
  tokenAt(port: number): string;
  readonly sessionKey: Uint8Array;
  /** By it a gateway of this workspace is known, whatever its port. */
  readonly proofKey: string;
}

const HOUR_MS = 60 * 60_000;
const SECRET = 'gateway.secret';
const ID = 'gateway.id';
const PORT = 'gateway.port';
/** How often the token was renewed. */
const RENEWALS = 'gateway.renewals';
/** Whether a client may have the port and its token. */
const HANDED_OUT = 'gateway.handedOut';
const SECRET_BYTES = 32;
const KEY_BYTES = 32;
/** When which sessions were kept last, in ms since the epoch, by the keys of their secrets. */
const KEPT = 'gateway.kept';
/**
 * How long sessions are kept for a workspace that nobody opens, in ms: longer than the gateway would go on with
 * them.
 */
const KEPT_MS = 2 * 24 * 60 * 60_000;

/** Keeps the address and the credentials of a window's gateway. A single secret is stored, however many workspaces. */
export class GatewayState {
  readonly #storage: GatewayStorage;

  constructor(storage: GatewayStorage) {
    this.#storage = storage;
  }

  /** Tells the gateways of this user's windows apart. */
  async id(): Promise<string> {
    const { workspaceState } = this.#storage;
    const kept = workspaceState.get<string>(ID);
    if (typeof kept === 'string') return kept;
    const id = randomUUID();
    await workspaceState.update(ID, id);
    return id;
  }

  /**
   * Made from the user's secret and the id: so another window's are others. Where the editor can keep no secret, they
   * are good for this extension host only, and `onTransient` is told why.
   */
  async credentials(onTransient: (why: string) => void): Promise<GatewayCredentials> {
    const transient = (error: unknown) => {
      onTransient(describeError(error));
      return randomBytes(SECRET_BYTES);
    };
    const [secret, id] = await Promise.all([this.#secret().catch(transient), this.id()]);
    const derived = (purpose: string) => new Uint8Array(hkdfSync('sha256', secret, id, purpose, KEY_BYTES));
    const text = (purpose: string) => Buffer.from(derived(purpose)).toString('base64url');
    return {
      tokenAt: (port) => text(`token ${port} ${this.#renewals}`),
      sessionKey: derived('session ids'),
      proofKey: text('proof'),
    };
  }

  /** From now on no token of before is one. */
  async renewToken(): Promise<void> {
    const { workspaceState } = this.#storage;
    await workspaceState.update(RENEWALS, this.#renewals + 1);
    await workspaceState.update(HANDED_OUT, false);
  }

  get #renewals(): number {
    return this.#storage.workspaceState.get<number>(RENEWALS) ?? 0;
  }

  /** Whether clients may look for the gateway at its port, with its token. */
  get isHandedOut(): boolean {
    return this.#storage.workspaceState.get<boolean>(HANDED_OUT) !== false;
  }

  async handOut(): Promise<void> {
    await this.#storage.workspaceState.update(HANDED_OUT, true);
  }

  /** The port at which clients look for this gateway; undefined when it has had none yet. */
  get port(): number | undefined {
    const kept = this.#storage.workspaceState.get<number>(PORT);
    return Number.isInteger(kept) ? kept : undefined;
  }

  /** Clients are to look here from now on. None can know yet. */
  async keepPort(port: number): Promise<void> {
    await this.#storage.workspaceState.update(PORT, port);
    await this.#storage.workspaceState.update(HANDED_OUT, false);
  }

  /** Where the gateway keeps the sessions of servers. */
  memory(now: () => number): GatewayMemory {
    const { secrets } = this.#storage;
    const keyOf = async (key: string) => `${await this.id()}/${key}`;
    return {
      recall: async (key) => secrets.get(await keyOf(key)),
      remember: async (name, text) => {
        const key = await keyOf(name);
        // Before the secret: one that no list names would be kept for ever.
        if (text !== undefined) await this.#list(key, now());
        await (text === undefined ? secrets.delete(key) : secrets.store(key, text));
        if (text === undefined) await this.#list(key, undefined);
      },
    };
  }

  /** Forgets the sessions of workspaces that nobody has opened for two days. Never rejects. */
  async forgetOld(now: number): Promise<void> {
    for (const [key, at] of Object.entries(this.#kept)) {
      if (now - at < KEPT_MS) continue;
      await Promise.resolve(this.#storage.secrets.delete(key)).catch(() => {});
      await this.#list(key, undefined);
    }
  }

  get #kept(): Readonly<Record<string, number>> {
    return this.#storage.globalState.get<Record<string, number>>(KEPT) ?? {};
  }

  async #list(key: string, at: number | undefined): Promise<void> {
    const { [key]: before, ...others } = this.#kept;
    // Once an hour is often enough for days.
    if (at !== undefined && before !== undefined && at - before < HOUR_MS) return;
    await this.#storage.globalState.update(KEPT, at === undefined ? others : { ...others, [key]: at });
  }

  async #secret(): Promise<Buffer> {
    const { secrets } = this.#storage;
    const read = async () => Buffer.from((await secrets.get(SECRET)) ?? '', 'base64url');
    const kept = await read();
    if (kept.length === SECRET_BYTES) return kept;
    const secret = randomBytes(SECRET_BYTES);
    await secrets.store(SECRET, secret.toString('base64url'));
    // Another window may have done the same at the same time: what is kept now is what both will find later.
    const agreed = await read();
    return agreed.length === SECRET_BYTES ? agreed : secret;
  }
}
