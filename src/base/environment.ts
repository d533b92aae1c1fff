import type { HttpClient } from './http-client.ts';

/**
 * What a connection needs of the world. Everything below the edge takes these as arguments, so that tests can hold
 * the clock still and the editor can hand in its own `fetch`.
 */

/** Stops a timer. Calling it twice does nothing. */
export type CancelTimer = () => void;

export interface Clock {
  /** Milliseconds since the epoch, for times that are shown, signed or stored. May jump forwards and backwards. */
  now(): number;
  /** Milliseconds since an arbitrary start, for waits, limits and ages. Never jumps; may stop during sleep. */
  monotonic(): number;
  /**
   * Calls `callback` once after `ms` milliseconds. A `background` timer does not keep the process
   * alive.
   */
  after(ms: number, callback: () => void, options?: { readonly background?: boolean }): CancelTimer;
}

export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** Probes whether the other side is reachable. */
export type Knock = (signal: AbortSignal) => Promise<boolean>;

export interface Environment {
  /** A given `fetch` is used for every request. Default: the platform's, if no faster client applies. */
  readonly fetch: Fetch;
  /** The HTTP client of every request to a server. Takes precedence over `fetch` and the default client. */
  readonly http?: HttpClient | undefined;
  /**
   * Probes whether the server listens. Must be cheap: it is repeated while requests wait. Default: a TCP connection
   * to a loopback address, unless `http` is set.
   */
  readonly knock?: Knock | undefined;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** A string that no other call returned; used for JSON-RPC ids of our own requests. */
  readonly newId: () => string;
  /** The network addresses of this machine as one text. A different text means a different network. */
  readonly networkAddresses?: () => string;
}

/** The platform's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  // Whole ms, as those of `now()`: durations are shown and exported.
  monotonic: () => Math.floor(performance.now()),
  after(ms, callback, options) {
    // setTimeout fires at once for a delay over 2^31-1 ms; "never" is what such a caller means.
    const timer = setTimeout(callback, Math.min(ms, 0x7fffffff));
    if (options?.background) (timer as { unref?: () => void }).unref?.();
    return () => clearTimeout(timer);
  },
};

/** A moment of the monotonic clock, in ms since the epoch by the wall clock of now. */
export function wallTime(clock: Clock, moment: number): number {
  return clock.now() + moment - clock.monotonic();
}

/**
 * The real world: global `fetch` (looked up at each call, since the editor patches it), system clock, `Math.random`.
 */
export function systemEnvironment(overrides: Partial<Environment> = {}): Environment {
  return {
    fetch: (url, init) => globalThis.fetch(url, init),
    clock: systemClock,
    random: Math.random,
    newId: () => globalThis.crypto.randomUUID(),
    networkAddresses,
    ...overrides,
  };
}

const fetchAtLoad = globalThis.fetch;

/**
 * Whether somebody has put a `fetch` of their own in the place of the platform's, or a dispatcher that is more than a
 * pool of connections (undici): a proxy, a test's double. Then requests are meant to go that way.
 */
export function isFetchReplaced(): boolean {
  const dispatchers = globalThis as Record<symbol, object | undefined>;
  const { name } = dispatchers[Symbol.for('undici.globalDispatcher.1')]?.constructor ?? { name: 'Agent' };
  if (globalThis.fetch !== fetchAtLoad) return true;
  return name !== 'Agent' && !(name === 'EnvHttpProxyAgent' && hasProxies());
}

/**
 * Whether the agents of `node:http` go by the proxies of the environment too: then nothing is to be replaced by
 * `fetch`.
 */
function hasProxies(): boolean {
  return (['node:http', 'node:https'] as const).some((name) => {
    const { globalAgent } = globalThis.process?.getBuiltinModule?.(name) ?? {};
    return (globalAgent as { options?: { proxyEnv?: unknown } } | undefined)?.options?.proxyEnv !== undefined;
  });
}

/** Nothing where there is no Node.js. Addresses that a machine gives itself come and go with its containers. */
function networkAddresses(): string {
  const os = globalThis.process?.getBuiltinModule?.('node:os');
  const all = Object.values(os?.networkInterfaces() ?? {}).flatMap((of) => of ?? []);
  const outward = all.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  return outward.map(({ address }) => address).join();
}

/** Waits `ms`; ends early, without an error, when `signal` aborts. */
export function sleep(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  options?: { readonly background?: boolean },
): Promise<void> {
  if (signal.aborted || ms <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done, options);
    signal.addEventListener('abort', done, { once: true });
  });
}

/**
 * Resolves when everything that is ready has been handed to the sockets. What only has to be done soon waits for it, so
 * that it does not stand before what somebody waits for (decision 0010).
 */
export async function nextTurn(): Promise<void> {
  await wholeTurn();
  await turn();
}

/** One whole turn of the event loop: what has arrived on any socket by now has been read when it resolves. */
export async function wholeTurn(): Promise<void> {
  await turn();
  await turn();
}

function turn(): Promise<void> {
  const later: (callback: () => void) => unknown = globalThis.setImmediate ?? setTimeout;
  return new Promise((resolve) => void later(resolve));
}

/** A signal that aborts after `ms`, or when one of `parents` does. `release()` stops its timer. */
export function deadline(
  clock: Clock,
  ms: number,
  ...parents: AbortSignal[]
): { readonly signal: AbortSignal; release(): void } {
  const timeout = new AbortController();
  const release = clock.after(ms, () => timeout.abort());
  return { signal: AbortSignal.any([timeout.signal, ...parents]), release };
}

/** What a promise resolves to or, if that takes longer than `ms`, `late`. */
export async function within<T>(clock: Clock, ms: number, promise: Promise<T>, late: T): Promise<T> {
  const over = Promise.withResolvers<T>();
  const cancel = clock.after(ms, () => over.resolve(late));
  try {
    return await Promise.race([promise, over.promise]);
  } finally {
    cancel();
  }
}
