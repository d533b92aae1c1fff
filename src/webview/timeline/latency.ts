import type { StoredMark } from './store.ts';

/** How long calls took. */
export interface Latencies {
  readonly count: number;
  /** Undefined without calls; in ms. */
  readonly p50: number | undefined;
  readonly p95: number | undefined;
  readonly p99: number | undefined;
  readonly max: number | undefined;
}

export function latenciesOf(calls: readonly StoredMark[]): Latencies {
  const sorted = Float64Array.from(calls, ({ durationMs = 0 }) => durationMs).sort();
  const share = (part: number) => sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)];
  return { count: sorted.length, p50: share(0.5), p95: share(0.95), p99: share(0.99), max: sorted.at(-1) };
}

/** The ends of a logarithmic axis of durations, in ms: powers of ten around what is to be shown. */
export interface DurationAxis {
  readonly shortest: number;
  readonly longest: number;
}

/** Shorter is drawn as this long, in ms. */
const SHORTEST_MS = 0.1;

export function axisOf(calls: readonly StoredMark[]): DurationAxis {
  let [low, high] = [Number.POSITIVE_INFINITY, 0];
  for (const { durationMs = 0 } of calls) {
    low = Math.min(low, Math.max(durationMs, SHORTEST_MS));
    high = Math.max(high, durationMs);
  }
  if (high === 0) return { shortest: 1, longest: 1000 };
  const shortest = 10 ** Math.floor(Math.log10(low));
  return { shortest, longest: Math.max(10 ** Math.ceil(Math.log10(high)), shortest * 100) };
}

/** Where a duration stands on an axis: 0 at the shortest, 1 at the longest. */
export function shareOf(ms: number, { shortest, longest }: DurationAxis): number {
  const share = Math.log(Math.max(ms, shortest) / shortest) / Math.log(longest / shortest);
  return Math.min(share, 1);
}

/** How many calls lie in each of `count` equal parts of an axis, the shortest first. */
export function bucketsOf(calls: readonly StoredMark[], axis: DurationAxis, count: number): Uint32Array {
  const buckets = new Uint32Array(count);
  for (const { durationMs = 0 } of calls) {
    const index = Math.min(Math.floor(shareOf(durationMs, axis) * count), count - 1);
    buckets[index] = (buckets[index] ?? 0) + 1;
  }
  return buckets;
}
