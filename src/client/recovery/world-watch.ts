import type { CancelTimer, Clock, Environment } from '../../base/environment.ts';
import type { Subscription } from '../observe/journal.ts';

/** How often it is looked whether time went on as it should, in ms. */
const TICK_MS = 2500;
/** How much more, or less, may have passed before it is called a jump, in ms. */
const JUMP_MS = 5000;

/**
 * What happened to the machine, or to this process, behind everybody's back.
 *
 * - `jumped`: it slept, was stopped, or its clock was set. Whatever was connected may be no more.
 * - `networkChanged`: it has other addresses than before.
 */
export type WorldChange = 'jumped' | 'networkChanged';

/**
 * Notices that time did not go on as it should. On some systems a sleep stops the monotonic clock, so that the wall clock
 * gains on it; on others it does not, and a timer comes late, as it does when the process was stopped.
 */
export class WorldWatch {
  readonly #clock: Clock;
  readonly #addresses: () => string;
  readonly #listeners = new Set<(change: WorldChange) => void>();
  #cancel: CancelTimer | undefined;
  #seen = { wall: 0, at: 0, addresses: '' };

  constructor(clock: Clock, addresses: () => string = () => '') {
    this.#clock = clock;
    this.#addresses = addresses;
  }

  /** Tells of every later change. Nothing runs, and nothing is noticed, while nobody listens. */
  subscribe(listener: (change: WorldChange) => void): Subscription {
    this.#listeners.add(listener);
    if (!this.#cancel) {
      this.#seen = { ...this.#now(), addresses: this.#addressesNow() };
      this.#watch();
    }
    return {
      dispose: () => {
        this.#listeners.delete(listener);
        if (this.#listeners.size > 0) return;
        this.#cancel?.();
        this.#cancel = undefined;
      },
    };
  }

  /** Looks for a jump now: a process that goes on may be spoken to before its timers run. */
  look(): void {
    if (!this.#cancel) return;
    const { wall, at } = this.#now();
    const passed = at - this.#seen.at;
    const gained = wall - this.#seen.wall - passed;
    if (Math.abs(gained) <= JUMP_MS && passed <= TICK_MS + JUMP_MS) return;
    this.#seen = { ...this.#seen, wall, at };
    this.#tell('jumped');
  }

  #watch(): void {
    this.#cancel = this.#clock.after(
      TICK_MS,
      () => {
        this.#watch();
        this.look();
        const addresses = this.#addressesNow();
        const isChanged = addresses !== this.#seen.addresses;
        this.#seen = { ...this.#now(), addresses };
        if (isChanged) this.#tell('networkChanged');
      },
      { background: true },
    );
  }

  #now(): { readonly wall: number; readonly at: number } {
    return { wall: this.#clock.now(), at: this.#clock.monotonic() };
  }

  /** A system that keeps them to itself has none that could change. */
  #addressesNow(): string {
    try {
      return this.#addresses();
    } catch {
      return '';
    }
  }

  #tell(change: WorldChange): void {
    for (const listener of [...this.#listeners]) listener(change);
  }
}

const watches = new WeakMap<Clock, WorldWatch>();

/** The one watch of all connections that go by the same clock. */
export function worldWatchOf({ clock, networkAddresses }: Environment): WorldWatch {
  const watch = watches.get(clock) ?? new WorldWatch(clock, networkAddresses);
  watches.set(clock, watch);
  return watch;
}
