const waiting = new Set<() => void>();
let untaken = 0;

/**
 * Resolves at the next signal by which a terminal or a process manager ends a program. From the first call on none is
 * lost: one that comes while nobody waits is the next caller's.
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
