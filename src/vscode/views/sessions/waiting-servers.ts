import { EventEmitter } from 'vscode';
import type { WaitingServer } from '../../../config/trust.ts';

/** The servers that are not started before the workspace is trusted. */
export class WaitingServers {
  readonly #changed = new EventEmitter<void>();
  readonly onDidChange = this.#changed.event;
  #all: readonly WaitingServer[] = [];

  get all(): readonly WaitingServer[] {
    return this.#all;
  }

  set(waiting: readonly WaitingServer[]): void {
    this.#all = waiting;
    this.#changed.fire();
  }

  dispose(): void {
    this.#changed.dispose();
  }
}
