/** Places on an axis with a round value each. */
export interface Ticks {
  readonly values: readonly number[];
  /** Between two values, in ms; for a logarithmic axis without meaning. */
  readonly step: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const STEPS = [
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7].map((n) => n * DAY),
];

/**
 * Round times between `from` and `to`, at most `most` of them.
 *
 * @param offsetMs of the time zone from UTC, so that hours and days are round where the reader is.
 */
export function timeTicks(from: number, to: number, most: number, offsetMs = 0): Ticks {
  const enough = (to - from) / Math.max(1, most);
  const step = STEPS.find((each) => each >= enough) ?? Math.ceil(enough / DAY) * DAY;
  const values: number[] = [];
  const first = Math.ceil((from + offsetMs) / step) * step - offsetMs;
  for (let value = first; value <= to; value += step) values.push(value);
  return { values, step };
}

/** Powers of ten between two durations, in ms. */
export function durationTicks(shortest: number, longest: number): number[] {
  const values: number[] = [];
  const first = Math.ceil(Math.log10(shortest) - 1e-9);
  for (let power = first; power <= Math.log10(longest) + 1e-9; power++) values.push(10 ** power);
  return values;
}
