import { hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import type { Memento, SecretStorage } from 'vscode';
import { describeError } from '../protocol/errors.ts';

/** Where the editor keeps what is to outlive an extension host. */
export interface GatewayStorage {
  /** Of the user, on this machine. */
  readonly secrets: SecretStorage;
  /** Of this window's workspace. */
  readonly workspaceState: Memento;
}

/** What clients hold in their hands of one gateway: it is the same again after the window was reloaded. */
export interface GatewayCredentials {
  readonly token: string;
  readonly sessionKey: Uint8Array;
}

const SECRET = 'gateway.secret';
const ID = 'gateway.id';
const PORT = 'gateway.port';
const SECRET_BYTES = 32;
const KEY_BYTES = 32;

/** Keeps the address and the credentials of a window's gateway. A single secret is stored, however many workspaces. */
export class GatewayKeeping {
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
    return {
      token: Buffer.from(derived('token')).toString('base64url'),
      sessionKey: derived('session ids'),
    };
  }

  /** The port at which clients look for this gateway; undefined when it has had none yet. */
  get port(): number | undefined {
    const kept = this.#storage.workspaceState.get<number>(PORT);
    return Number.isInteger(kept) ? kept : undefined;
  }

  async keepPort(port: number): Promise<void> {
    await this.#storage.workspaceState.update(PORT, port);
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
