import type { Records } from '../records.ts';
import { Seal } from './sealed.ts';

export interface AliasesOptions {
  readonly records: Records;
  readonly keys: readonly string[];
  readonly newNonce: () => string;
  /** How long an id is taken for another, in ms. */
  readonly aliasMs: number;
}

/** The sessions that stand for ids which nobody can vouch for (`unknownSession: 'replace'`), sealed in the store. */
export class Aliases {
  readonly #options: AliasesOptions;
  readonly #seal: Seal;
  readonly #making = new Map<string, Promise<string>>();

  constructor(options: AliasesOptions) {
    this.#options = options;
    this.#seal = new Seal(options.keys);
  }

  /** The id of the session that stands for another; undefined when none does. */
  async of(name: string): Promise<string | undefined> {
    const making = this.#making.get(name);
    if (making) return making;
    const sealed = await this.#options.records.alias(name);
    return sealed === undefined ? undefined : this.#seal.open(sealed, name);
  }

  /** Makes one. One at a time for each name, for the same reason as in SessionRegistry.adopt. */
  make(name: string, open: () => Promise<string>): Promise<string> {
    const making = this.#making.get(name) ?? this.#make(name, open);
    this.#making.set(name, making);
    return making.finally(() => this.#making.delete(name));
  }

  async #make(name: string, open: () => Promise<string>): Promise<string> {
    const { records, newNonce, aliasMs } = this.#options;
    const id = await open();
    await records.keepAlias(name, this.#seal.close(id, name, newNonce()), aliasMs);
    return id;
  }
}
