import { type Clock, sleep } from '../../base/environment.ts';
import type { Gate } from '../session/gate.ts';
import type { SessionHealth } from '../session/health.ts';
import { isHealing } from '../session/state.ts';
import type { WireConnector } from '../wire/wire.ts';
import type { Recovery } from './recovery.ts';
import type { WorldChange, WorldWatch } from './world-watch.ts';

/** Over how long the connections of one machine spread what they ask when it wakes, in ms. */
const SPREAD_MS = 1000;

export interface WakeUpOptions {
  readonly gate: Gate;
  readonly health: SessionHealth;
  readonly recovery: Recovery;
  readonly clock: Clock;
  readonly random: () => number;
  readonly world: WorldWatch;
  readonly connector: Pick<WireConnector, 'origin' | 'knock'>;
  /** Aborted when the connection closes. */
  readonly closing: AbortSignal;
  /** Told of each change that matters to this connection. */
  readonly onChange: () => void;
}

/**
 * What a connection does when the machine has slept, its clock has jumped, or its network is another: what it holds is in
 * doubt until the server was heard again. It asks, and makes the attempt that it waits for. A program on pipes is left
 * alone: its end shows by itself.
 */
export class WakeUp {
  readonly #options: WakeUpOptions;
  #isStarted = false;
  #isLooking = false;

  constructor(options: WakeUpOptions) {
    this.#options = options;
  }

  /** From now on, until the connection closes. */
  start(): void {
    const { world, closing, connector } = this.#options;
    if (this.#isStarted || connector.origin === undefined || closing.aborted) return;
    this.#isStarted = true;
    const told = world.subscribe((change) => this.#take(change));
    closing.addEventListener('abort', () => told.dispose(), { once: true });
  }

  get #isLocal(): boolean {
    return this.#options.connector.knock !== undefined;
  }

  #take(change: WorldChange): void {
    // What is on this machine does not depend on its network.
    if (change === 'networkChanged' && this.#isLocal) return;
    const { session } = this.#options.gate;
    if (session) session.isDoubted = true;
    this.#options.onChange();
    void this.#look();
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { gate, health, recovery, clock, random, closing } = this.#options;
    if (!gate.isAwaited) await sleep(clock, SPREAD_MS * random(), closing, { background: true });
    this.#isLooking = false;
    const { session, state } = gate;
    if (isHealing(state)) {
      // A server of this machine goes on where it was; over a network that is gone nothing more will come.
      if (this.#isLocal) recovery.wake();
      else recovery.renew();
    } else if (session?.isDoubted) await health.check(session);
  }
}
