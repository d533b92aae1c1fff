import { ExponentialBackoff, type GeneratorFn, type IBackoff } from 'cockatiel';

/** Waits between attempts, in ms: exponential with decorrelated jitter, so that many clients do not come in step. */
export interface BackOff {
  next(): number;
}

export interface BackOffOptions {
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export function createBackOff(options: BackOffOptions): BackOff {
  const { initialDelayMs, maxDelayMs, random } = options;
  // cockatiel's own generator takes its randomness from Math.random; ours is handed in. Each wait is drawn from
  // [initial, 3 × the wait before], as the decorrelated jitter of the AWS architecture blog is.
  const generator: GeneratorFn<number> = (previous) => {
    const before = previous ?? initialDelayMs;
    const delay = Math.min(maxDelayMs, initialDelayMs + random() * Math.max(0, before * 3 - initialDelayMs));
    return [delay, delay];
  };
  const times = { initialDelay: initialDelayMs, maxDelay: maxDelayMs, generator };
  let current: IBackoff<unknown> | undefined;
  return {
    next() {
      // Made at the first wait: most of what has a back-off never waits.
      current = current ? current.next(undefined) : new ExponentialBackoff(times).next();
      return current.duration;
    },
  };
}
