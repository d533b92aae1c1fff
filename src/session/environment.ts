/**
 * What a connection needs of the world. Everything below the edge takes these as arguments, so that tests can hold
 * the clock still and the editor can hand in its own `fetch`.
 */

/** Stops a timer. Calling it twice does nothing. */
export type CancelTimer = () => void;

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `callback` once after `ms` milliseconds. The timer does not keep the process alive. */
  after(ms: number, callback: () => void): CancelTimer;
}

export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

export interface Environment {
  readonly fetch: Fetch;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** A string that no other call returned; used for JSON-RPC ids of our own requests. */
  readonly newId: () => string;
}

/** The platform's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    // setTimeout fires at once for a delay over 2^31-1 ms; "never" is what such a caller means.
    const timer = setTimeout(callback, Math.min(ms, 0x7fffffff));
    (timer as { unref?: () => void }).unref?.();
    return () => clearTimeout(timer);
  },
};

/** The real world: global `fetch` (looked up at each call, since the editor patches it), system clock, `Math.random`. */
export function systemEnvironment(overrides: Partial<Environment> = {}): Environment {
  return {
    fetch: (url, init) => globalThis.fetch(url, init),
    clock: systemClock,
    random: Math.random,
    newId: () => globalThis.crypto.randomUUID(),
    ...overrides,
  };
}
