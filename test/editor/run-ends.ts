import { constants } from 'node:os';

/** How often it is looked whether the parent still lives, in ms. */
const PARENT_CHECK_MS = 1_000;

/**
 * Calls `end` once when this run is told to end: by a signal, or because the `npm run` that started it is gone. npm hands
 * a signal on to the shell between it and us, and that shell dies of it without a word.
 *
 * @param end receives the exit code that tells of the signal: 128 and its number.
 */
export function whenToldToEnd(end: (code: number) => void): void {
  let told = false;
  const tell = (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void => {
    if (told) return;
    told = true;
    end(128 + constants.signals[signal]);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => tell(signal));
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) tell('SIGHUP');
  }, PARENT_CHECK_MS).unref();
}
