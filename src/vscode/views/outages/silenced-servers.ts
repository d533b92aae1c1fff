import type { Memento } from 'vscode';

const KEY = 'notifications.silenced';

/** The servers without notifications in this workspace. */
export class SilencedServers {
  readonly #state: Memento;
  readonly #onChange: (some: boolean) => void;

  /**
   * @param state of this window's workspace
   * @param onChange called with whether there are any, at once and after each change
   */
  constructor(state: Memento, onChange: (some: boolean) => void) {
    this.#state = state;
    this.#onChange = onChange;
    onChange(this.names.length > 0);
  }

  get names(): readonly string[] {
    return this.#state.get<readonly string[]>(KEY) ?? [];
  }

  has(name: string): boolean {
    return this.names.includes(name);
  }

  add(names: readonly string[]): Promise<void> {
    return this.#keep([...new Set([...this.names, ...names])]);
  }

  delete(names: readonly string[]): Promise<void> {
    return this.#keep(this.names.filter((name) => !names.includes(name)));
  }

  async #keep(names: readonly string[]): Promise<void> {
    await this.#state.update(KEY, names);
    this.#onChange(names.length > 0);
  }
}
