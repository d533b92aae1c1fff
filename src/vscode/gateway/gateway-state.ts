import { hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import type { Memento, SecretStorage } from 'vscode';
import type { GatewayMemory } from '../../hub/gateway/index.ts';
import { describeError } from '../../protocol/errors.ts';

/** VS Code's storage, which outlives the extension host. */
export interface GatewayStorage {
  /** Of the user, on this machine. */
  readonly secrets: SecretStorage;
  /** Of this window's workspace. */
  readonly workspaceState: Memento;
  /** Of the user, on this machine. */
  readonly globalState: Memento;
}

/** Credentials that clients of one gateway hold. Unchanged across window reloads. */
export interface GatewayCredentials {
  /**
   * The token valid at this port only. Another program that takes the port receives it, but cannot use it
   * elsewhere. Changes with each {@link GatewayState.renewToken}.
   */
  tokenAt(port: number): string;
  readonly sessionKey: Uint8Array;
  /** Identifies the gateways of this workspace, at any port. */
  readonly proofKey: string;
}

const HOUR_MS = 60 * 60_000;
const SECRET = 'gateway.secret';
const ID = 'gateway.id';
const PORT = 'gateway.port';
/** Number of token renewals. */
const RENEWALS = 'gateway.renewals';
/** Whether clients may have the port and its token. */
const HANDED_OUT = 'gateway.handedOut';
const SECRET_BYTES = 32;
const KEY_BYTES = 32;
/** Time of each last write of sessions, in ms since the epoch, by the key of their secret. */
const KEPT = 'gateway.kept';
/**
 * Retention of sessions of a workspace that is not opened, in ms. Longer than the gateway would resume them.
 */
const KEPT_MS = 2 * 24 * 60 * 60_000;

/** Stores the address and credentials of a window's gateway. One secret serves all workspaces. */
export class GatewayState {
  readonly #storage: GatewayStorage;

  constructor(storage: GatewayStorage) {
    this.#storage = storage;
  }

  /** Distinguishes the gateways of this user's windows. */
  async id(): Promise<string> {
    const { workspaceState } = this.#storage;
    const kept = workspaceState.get<string>(ID);
    if (typeof kept === 'string') return kept;
    const id = randomUUID();
    await workspaceState.update(ID, id);
    return id;
  }

  /**
   * Derived from the user's secret and the id, so each window has its own. When VS Code cannot store a
   * secret, they last for this extension host only, and `onTransient` gets the reason.
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

  /** Invalidates all earlier tokens. */
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

  /** The port known to clients; undefined before the first. */
  get port(): number | undefined {
    const kept = this.#storage.workspaceState.get<number>(PORT);
    return Number.isInteger(kept) ? kept : undefined;
  }

  /** Stores the port for clients. None has it yet. */
  async keepPort(port: number): Promise<void> {
    await this.#storage.workspaceState.update(PORT, port);
    await this.#storage.workspaceState.update(HANDED_OUT, false);
  }

  /** The gateway's storage of server sessions. */
  memory(now: () => number): GatewayMemory {
    const { secrets } = this.#storage;
    const keyOf = async (key: string) => `${await this.id()}/${key}`;
    return {
      recall: async (key) => secrets.get(await keyOf(key)),
      remember: async (name, text) => {
        const key = await keyOf(name);
        // Before the secret: an unlisted one would never be deleted.
        if (text !== undefined) await this.#list(key, now());
        await (text === undefined ? secrets.delete(key) : secrets.store(key, text));
        if (text === undefined) await this.#list(key, undefined);
      },
    };
  }

  /** Deletes sessions of workspaces not opened for two days. Never rejects. */
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
    // Once an hour is enough for a limit of days.
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
    // Another window may have written at the same time. Both will later read the value stored now.
    const agreed = await read();
    return agreed.length === SECRET_BYTES ? agreed : secret;
  }
}
