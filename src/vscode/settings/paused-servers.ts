import type { Memento } from 'vscode';

const KEY = 'servers.paused';

/**
 * Which servers a person has paused in this workspace. Kept over a reload, as everything is that a person has switched
 * off; the indicator says that they are, so that nobody looks for the reason.
 */
export class PausedServers {
  readonly #state: Memento;

  /** @param state of this window's workspace */
  constructor(state: Memento) {
    this.#state = state;
  }

  get names(): readonly string[] {
    return this.#state.get<readonly string[]>(KEY) ?? [];
  }

  async keep(name: string, paused: boolean): Promise<void> {
    const others = this.names.filter((each) => each !== name);
    await this.#state.update(KEY, paused ? [...others, name] : others);
  }
}
