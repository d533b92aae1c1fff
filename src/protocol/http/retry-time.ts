/** Shortest wait that is reported, in ms: a person would wonder about it. */
const LONG_MS = 30_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/**
 * What a server said, and when it asks to be tried again where that is far away: as a span, and by the clock of whoever
 * reads it.
 * @param now in ms since the epoch
 */
export function withRetryTime(words: string, retryAfterMs: number | undefined, now: number): string {
  if (retryAfterMs === undefined || retryAfterMs < LONG_MS) return words;
  const isAnotherDay = retryAfterMs > DAY_MS / 2;
  const clockTime = new Intl.DateTimeFormat('en-GB', {
    ...(isAnotherDay && { day: 'numeric', month: 'long' }),
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  }).format(now + retryAfterMs);
  return `${words}; it asks to be tried again in ${span(retryAfterMs)} (${isAnotherDay ? 'on' : 'at'} ${clockTime})`;
}

function span(ms: number): string {
  if (ms < 2 * MINUTE_MS) return `${Math.round(ms / 1000)} seconds`;
  if (ms < 2 * HOUR_MS) return `${Math.round(ms / MINUTE_MS)} minutes`;
  return ms < 2 * DAY_MS ? `${Math.round(ms / HOUR_MS)} hours` : `${Math.round(ms / DAY_MS)} days`;
}
