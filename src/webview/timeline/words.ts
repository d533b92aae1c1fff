import type { Strings } from './messages.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Puts values into the `{0}`, `{1}` … of a text. */
export function fill(text: string, ...values: readonly (string | number)[]): string {
  return text.replace(/\{(\d+)\}/g, (whole, index: string) => String(values[Number(index)] ?? whole));
}

/** A duration with two or three figures: `0.4 ms`, `12 ms`, `1.3 s`, `4 min`. */
export function durationWords(ms: number, units: Strings['units'], language: string): string {
  const [unit, value] = unitOf(ms, units);
  const maximumFractionDigits = value < 10 ? 1 : 0;
  return fill(unit, numberFormat(language, maximumFractionDigits).format(value));
}

/** A whole number, as the language groups its figures. */
export function countWords(count: number, language: string): string {
  return numberFormat(language, 0).format(count);
}

function unitOf(ms: number, units: Strings['units']): readonly [string, number] {
  if (ms < SECOND) return [units.ms, ms];
  if (ms < MINUTE) return [units.s, ms / SECOND];
  if (ms < HOUR) return [units.min, ms / MINUTE];
  return [units.h, ms / HOUR];
}

/** Words a moment, as exactly as a step between moments needs. */
export class MomentWords {
  readonly #language: string;
  readonly #formats = new Map<string, Intl.DateTimeFormat>();

  constructor(language: string) {
    this.#language = language;
  }

  /** For an axis: days, minutes, seconds or fractions, as its step is. */
  tick(at: number, step: number): string {
    if (step >= DAY) return this.#format('day', { month: 'short', day: 'numeric' }).format(at);
    if (step >= MINUTE) return this.#format('minute', { timeStyle: 'short' }).format(at);
    if (step >= SECOND) return this.#format('second', { timeStyle: 'medium' }).format(at);
    return this.exact(at);
  }

  /** The time of day to the millisecond, or the full date with it for another day than `today`. */
  exact(at: number, today = at): string {
    const time: Intl.DateTimeFormatOptions = {
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      fractionalSecondDigits: 3,
    };
    if (new Date(at).toDateString() === new Date(today).toDateString())
      return this.#format('exact', time).format(at);
    return this.#format('date', { month: 'short', day: 'numeric', ...time }).format(at);
  }

  /** The time of day to the second. */
  second(at: number): string {
    return this.#format('second', { timeStyle: 'medium' }).format(at);
  }

  #format(key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
    const known = this.#formats.get(key);
    if (known) return known;
    const made = new Intl.DateTimeFormat(this.#language, options);
    this.#formats.set(key, made);
    return made;
  }
}

const numberFormats = new Map<string, Intl.NumberFormat>();

function numberFormat(language: string, maximumFractionDigits: number): Intl.NumberFormat {
  const key = `${language} ${maximumFractionDigits}`;
  const known = numberFormats.get(key);
  if (known) return known;
  const made = new Intl.NumberFormat(language, { maximumFractionDigits });
  numberFormats.set(key, made);
  return made;
}
