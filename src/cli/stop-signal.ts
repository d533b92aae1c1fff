const waiting = new Set<() => void>();
let untaken = 0;

/**
 * Resolves at the next SIGINT, SIGTERM or SIGHUP. Signals are counted from the first call on: one that arrives between
 * two calls resolves the second at once.
 */
export function stopSignal(): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    if (!process.listeners(signal).includes(take)) process.on(signal, take);
  }
  if (untaken > 0) {
    untaken--;
    return Promise.resolve();
  }
  return new Promise((resolve) => waiting.add(resolve));
}

function take(): void {
  if (waiting.size === 0) untaken++;
  for (const resolve of waiting) resolve();
  waiting.clear();
}
