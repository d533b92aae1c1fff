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

/** Each wait is drawn from [initial, 3 × the wait before], as the decorrelated jitter of the AWS architecture blog is. */
export function createBackOff({ initialDelayMs, maxDelayMs, random }: BackOffOptions): BackOff {
  let delayMs = initialDelayMs;
  return {
    next() {
      const spreadMs = Math.max(0, delayMs * 3 - initialDelayMs);
      delayMs = Math.min(maxDelayMs, initialDelayMs + random() * spreadMs);
      return delayMs;
    },
  };
}
