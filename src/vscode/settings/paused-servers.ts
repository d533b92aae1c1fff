import type { Memento } from 'vscode';

const KEY = 'servers.paused';

/**
 * The servers that the user has paused in this workspace. They stay paused over a reload; the status bar item shows it.
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
