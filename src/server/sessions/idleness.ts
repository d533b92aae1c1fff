import type { Clock } from '../../base/environment.ts';

export interface IdlenessOptions {
  readonly clock: Clock;
  /** In ms; `Number.POSITIVE_INFINITY` for never. */
  readonly idleMs: number;
  /** In ms, less than `idleMs`; `Number.POSITIVE_INFINITY` for never. */
  readonly hibernateAfterMs: number;
  /** The session has been idle for `idleMs`. */
  readonly onIdle: () => void;
  /**
   * The session has been idle for `hibernateAfterMs`. Called again after the same time if it still exists.
   */
  readonly onHibernationDue: () => void;
}

/** Tracks since when a session is idle: no request under way and no stream open. */
export class Idleness {
  readonly #options: IdlenessOptions;
  #underWay = 0;
  /** Undefined before its first request. */
  #since: number | undefined;
  #cancel: () => void = () => {};
  #waiting: (() => void)[] = [];
  #isOver = false;

  constructor(options: IdlenessOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#underWay === 0;
  }

  /** Number of requests under way and open streams. */
  get underWay(): number {
    return this.#underWay;
  }

  /**
   * Start of the idle period, by the monotonic clock; undefined while something is under way, and before the
   * first request.
   */
  get idleSince(): number | undefined {
    return this.isIdle ? this.#since : undefined;
  }

  begin(): void {
    this.#underWay += 1;
    this.#cancel();
  }

  finish(): void {
    this.#underWay -= 1;
    if (this.#underWay > 0) return;
    this.#tell();
    if (this.#isOver) return;
    this.#since = this.#options.clock.monotonic();
    this.#watch(this.#since);
  }

  /** Resolves when nothing is under way, or the session has ended. */
  untilIdle(): Promise<void> {
    if (this.isIdle || this.#isOver) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The session has ended: no callback is called any more. */
  stop(): void {
    this.#isOver = true;
    this.#cancel();
    this.#tell();
  }

  #watch(since: number): void {
    const { clock, idleMs, hibernateAfterMs, onIdle } = this.#options;
    const leftMs = since + idleMs - clock.monotonic();
    if (hibernateAfterMs < leftMs)
      this.#cancel = clock.after(hibernateAfterMs, () => this.#hibernationDue(since), { background: true });
    else if (leftMs < Number.POSITIVE_INFINITY)
      this.#cancel = clock.after(leftMs, onIdle, { background: true });
  }

  #hibernationDue(since: number): void {
    this.#watch(since);
    this.#options.onHibernationDue();
  }

  #tell(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
