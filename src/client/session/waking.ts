import { type Clock, sleep } from '../../base/environment.ts';
import type { Evidence } from '../recovery/evidence.ts';
import type { Recovery } from '../recovery/recovery.ts';
import type { WireMaker } from '../wire/wire.ts';
import type { Gate } from './gate.ts';
import { isHealing } from './state.ts';
import type { WorldChange, WorldWatch } from './world-watch.ts';

/** Over how long the connections of one machine spread what they ask when it wakes, in ms. */
const SPREAD_MS = 1000;

export interface WakingContext {
  readonly gate: Gate;
  readonly evidence: Evidence;
  readonly recovery: Recovery;
  readonly clock: Clock;
  readonly random: () => number;
  readonly world: WorldWatch;
  readonly maker: Pick<WireMaker, 'origin' | 'knock'>;
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
export class Waking {
  readonly #context: WakingContext;
  #isStarted = false;
  #isLooking = false;

  constructor(context: WakingContext) {
    this.#context = context;
  }

  /** From now on, until the connection closes. */
  start(): void {
    const { world, closing, maker } = this.#context;
    if (this.#isStarted || maker.origin === undefined || closing.aborted) return;
    this.#isStarted = true;
    const told = world.subscribe((change) => this.#take(change));
    closing.addEventListener('abort', () => told.dispose(), { once: true });
  }

  get #isLocal(): boolean {
    return this.#context.maker.knock !== undefined;
  }

  #take(change: WorldChange): void {
    // What is on this machine does not depend on its network.
    if (change === 'networkChanged' && this.#isLocal) return;
    const { session } = this.#context.gate;
    if (session) session.isDoubted = true;
    this.#context.onChange();
    void this.#look();
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { gate, evidence, recovery, clock, random, closing } = this.#context;
    if (!gate.isAwaited) await sleep(clock, SPREAD_MS * random(), closing, { background: true });
    this.#isLooking = false;
    const { session, state } = gate;
    if (isHealing(state)) {
      // A server of this machine goes on where it was; over a network that is gone nothing more will come.
      if (this.#isLocal) recovery.wake();
      else recovery.renew();
    } else if (session?.isDoubted) await evidence.check(session);
  }
}
