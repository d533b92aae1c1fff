import type { CancelTimer, Clock } from '../../base/environment.ts';
import type { Heartbeat } from './heartbeat.ts';

/** One stream of the server's: how long it lives, what it carries, and whether its heartbeat goes on. */
export class StreamWatch {
  readonly #clock: Clock;
  readonly #heartbeat: Heartbeat;
  readonly #onSilent: (silenceMs: number) => void;
  #openedAt: number | undefined;
  #cancel: CancelTimer = () => {};
  /** Whether a message came on it. */
  hasCarried = false;

  /** @param onSilent called once when nothing was heard for several beats */
  constructor(clock: Clock, heartbeat: Heartbeat, onSilent: (silenceMs: number) => void) {
    this.#clock = clock;
    this.#heartbeat = heartbeat;
    this.#onSilent = onSilent;
  }

  opened(): void {
    this.#openedAt = this.#clock.monotonic();
    this.#heartbeat.restart();
  }

  heard(): void {
    this.#heartbeat.heard(this.#clock.monotonic());
    this.#cancel();
    const { silenceMs } = this.#heartbeat;
    if (silenceMs === undefined) return;
    this.#cancel = this.#clock.after(silenceMs, () => this.#onSilent(silenceMs), { background: true });
  }

  /** How long it was open, in ms. */
  get livedMs(): number {
    return this.#openedAt === undefined ? 0 : this.#clock.monotonic() - this.#openedAt;
  }

  end(): void {
    this.#cancel();
  }
}
