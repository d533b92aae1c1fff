import type { Translate } from './translate.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago something was, to the minute: `under 1 min`, `12 min`, `3 h 5 min`, `2 d 4 h`. */
export function ageLabel(ms: number, t: Translate): string {
  if (ms < MINUTE) return t('under 1 min');
  if (ms < HOUR) return t('{0} min', Math.floor(ms / MINUTE));
  if (ms < DAY) return t('{0} h {1} min', Math.floor(ms / HOUR), Math.floor((ms % HOUR) / MINUTE));
  return t('{0} d {1} h', Math.floor(ms / DAY), Math.floor((ms % DAY) / HOUR));
}

/** How long something took: `42 ms`, `1.3 s`, `4 min`. */
export function durationLabel(ms: number, t: Translate): string {
  if (ms < SECOND) return t('{0} ms', Math.round(ms));
  if (ms < MINUTE) return t('{0} s', (ms / SECOND).toFixed(1));
  return ageLabel(ms, t);
}

/**
 * Time until something happens: `4 s`, `25 s`, `2 min`. Beyond 5 s in steps of 5 s: an open tooltip blinks whenever its
 * text changes.
 */
export function countdownLabel(ms: number, t: Translate): string {
  return ms <= MINUTE ? t('{0} s', wholeSeconds(ms)) : t('{0} min', Math.ceil(ms / MINUTE));
}

/** {@link countdownLabel} for a screen reader: `4 seconds`, `1 minute`. */
export function spokenCountdown(ms: number, t: Translate): string {
  const seconds = wholeSeconds(ms);
  if (seconds === 1) return t('1 second');
  if (seconds < 60) return t('{0} seconds', seconds);
  const minutes = Math.ceil(ms / MINUTE);
  return minutes === 1 ? t('1 minute') : t('{0} minutes', minutes);
}

const stepOf = (ms: number): number => (ms > 5 * SECOND ? 5 * SECOND : SECOND);

const wholeSeconds = (ms: number): number => (Math.ceil(ms / stepOf(ms)) * stepOf(ms)) / SECOND;

/** In how many ms {@link ageLabel} of `ms` reads differently. */
export const untilAgeChanges = (ms: number): number => MINUTE - (ms % MINUTE);

/** In how many ms {@link countdownLabel} of `ms` reads differently. */
export const untilCountdownChanges = (ms: number): number => ms % stepOf(ms) || stepOf(ms);
