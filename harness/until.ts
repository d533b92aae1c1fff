/** What a subscription gives back: a function or an object that ends it. */
export type Unsubscribe = (() => unknown) | { dispose(): unknown };

/** Ends a wait for what never comes; what comes may take its time, on however busy a machine. */
export const PATIENCE_MS = 60_000;

export interface UntilOptions {
  /** How long to wait, in ms, before the promise rejects. Default `PATIENCE_MS`. */
  readonly timeoutMs?: number;
  /** What is waited for, for the message of the rejection. Default `the event`. */
  readonly what?: string;
}

/**
 * Waits for the first value that `predicate` accepts, among those a subscription delivers from now on.
 * Nothing is asked at intervals: what has already happened before the call is not seen.
 *
 * @throws Error that names what was waited for and the last values seen, once `timeoutMs` have passed; what
 *   `predicate` throws, at once.
 */
export function until<T>(
  subscribe: (listener: (value: T) => void) => Unsubscribe,
  predicate: (value: T) => boolean,
  options: UntilOptions = {},
): Promise<T> {
  const { timeoutMs = PATIENCE_MS, what = 'the event' } = options;
  return new Promise<T>((resolve, reject) => {
    const seen: T[] = [];
    let subscription: Unsubscribe | undefined;
    let settled = false;
    const settle = (conclude: () => void) => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      if (subscription) end(subscription);
      conclude();
    };
    const timer = setTimeout(() => {
      settle(() => reject(new Error(`${what} did not come within ${timeoutMs} ms; ${lastOf(seen)}`)));
    }, timeoutMs);
    subscription = subscribe((value) => {
      seen.push(value);
      try {
        if (predicate(value)) settle(() => resolve(value));
      } catch (error) {
        settle(() => reject(error));
      }
    });
    // A subscription may deliver inside the call that makes it, before there was anything to end.
    if (settled) end(subscription);
  });
}

function end(subscription: Unsubscribe): void {
  if (typeof subscription === 'function') subscription();
  else subscription.dispose();
}

function lastOf(seen: readonly unknown[]): string {
  if (seen.length === 0) return 'nothing was seen';
  const last = seen.slice(-5).map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
  return `${seen.length} seen, the last: ${last.join(' | ')}`;
}
