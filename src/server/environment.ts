/** What the companion needs of the world, handed in so that tests can hold the clock still. */
export interface ServerEnvironment {
  readonly clock: {
    /** Milliseconds since the epoch: for what is signed, or outlives the process. It may jump, either way. */
    now(): number;
    /** Milliseconds from any point on, and never a jump: for every wait, limit and age. */
    monotonic(): number;
    /** Calls `callback` once after `ms` milliseconds, unless the returned function is called before. */
    after(ms: number, callback: () => void): () => void;
  };
  /** Something that was never there before: letters and digits, with at least 96 random bits. */
  readonly newNonce: () => string;
}

/** The platform's clock and random source. Its timers do not keep the process alive. */
export function systemServerEnvironment(overrides: Partial<ServerEnvironment> = {}): ServerEnvironment {
  return {
    clock: {
      now: () => Date.now(),
      monotonic: () => performance.now(),
      after(ms, callback) {
        // setTimeout fires at once for a delay over 2^31-1 ms; "never" is what such a caller means.
        const timer = setTimeout(callback, Math.min(ms, 0x7fffffff));
        (timer as { unref?: () => void }).unref?.();
        return () => clearTimeout(timer);
      },
    },
    newNonce: () => globalThis.crypto.randomUUID().replaceAll('-', ''),
    ...overrides,
  };
}
