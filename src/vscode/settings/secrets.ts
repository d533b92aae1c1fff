import { createHash } from 'node:crypto';
import { type Disposable, EventEmitter, type SecretStorage, workspace } from 'vscode';
import type { WantedInput } from '../../config/inputs-setting.ts';
import type { Layer } from '../../config/layers.ts';

const PREFIX = 'input:';

/**
 * The values that were entered for `${input:id}`, in the editor's storage for secrets. Each belongs to the settings that
 * ask for it: those of the user, or those of one workspace. A workspace can't ask for what was entered elsewhere.
 */
export class InputValues implements Disposable {
  readonly #storage: SecretStorage;
  readonly #changes = new EventEmitter<void>();
  readonly #subscription: Disposable;
  /** A value was entered or forgotten, here or in another window. */
  readonly onDidChange = this.#changes.event;

  constructor(storage: SecretStorage) {
    this.#storage = storage;
    this.#subscription = storage.onDidChange(({ key }) => {
      if (key.startsWith(PREFIX)) this.#changes.fire();
    });
  }

  /** What was entered; undefined when nothing was. @throws what the storage throws where it can keep no secrets */
  async get(layer: Layer, id: string): Promise<string | undefined> {
    return this.#storage.get(keyOf(layer, id));
  }

  /** What was entered for these, as a look-up. */
  async lookup(wanted: readonly WantedInput[]): Promise<(layer: Layer, id: string) => string | undefined> {
    const entries = wanted.map(async ({ layer, definition: { id } }) => {
      const value = await this.get(layer, id);
      return [keyOf(layer, id), value] as const;
    });
    const values = new Map(await Promise.all(entries));
    return (layer, id) => values.get(keyOf(layer, id));
  }

  /** Keeps a value, or forgets it when it is undefined. @throws what the storage throws where it can keep no secrets */
  async set(layer: Layer, id: string, value: string | undefined): Promise<void> {
    const key = keyOf(layer, id);
    await (value === undefined ? this.#storage.delete(key) : this.#storage.store(key, value));
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#changes.dispose();
  }
}

function keyOf(layer: Layer, id: string): string {
  return `${PREFIX}${layer === 'user' ? 'user' : `workspace:${workspaceMark()}`}:${id}`;
}

/** Tells workspaces apart, in a key that need not be as long as a path. */
function workspaceMark(): string {
  const { workspaceFile, workspaceFolders } = workspace;
  const place = workspaceFile ?? workspaceFolders?.[0]?.uri;
  return createHash('sha256')
    .update(place?.toString() ?? '')
    .digest('hex')
    .slice(0, 32);
}
