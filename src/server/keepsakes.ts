/**
 * What a session needs in order to come back and its id does not carry: its state, its settings, a handshake that was
 * too large. Each is in the store, or is written again when somebody asks: a store may have been away.
 */
export class Keepsakes {
  /** Made when it is needed: most sessions have none, and there may be many sessions. */
  #unkept: Map<string, () => Promise<boolean>> | undefined;

  /** @param write resolves with whether the store has it */
  async keep(what: string, write: () => Promise<boolean>): Promise<void> {
    this.#unkept ??= new Map();
    this.#unkept.set(what, write);
    const isKept = await write();
    // A newer value may have come meanwhile, of which this says nothing.
    if (isKept && this.#unkept.get(what) === write) this.#unkept.delete(what);
  }

  /** Whether the store has all of it, by now. */
  async areKept(): Promise<boolean> {
    if (!this.#unkept) return true;
    await Promise.all([...this.#unkept].map(([what, write]) => this.keep(what, write)));
    return this.#unkept.size === 0;
  }
}
