import type { FactKind, Journal } from './journal.ts';
import type { RecoverySummary } from './snapshot.ts';

/** Latencies of answered requests, in ms, from sending to answer, waits and recoveries included. */
export interface LatencySummary {
  readonly count: number;
  /** Quantiles, exact to within 5 %. Undefined before the first answer. */
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  readonly p99Ms: number | undefined;
  readonly maxMs: number | undefined;
}

/** Counters since the connection was made. */
export interface MetricsSnapshot {
  /** How often each kind of fact was recorded, also those that the journal has forgotten. */
  readonly facts: Readonly<Partial<Record<FactKind, number>>>;
  readonly latency: LatencySummary;
}

/** Each bucket is so much wider than the one before. */
const GROWTH = 1.05;
/** Upper end of the first bucket, in ms. */
const FIRST_MS = 0.1;
/** Enough for eleven days. */
const BUCKETS = 468;

/** A histogram with buckets that grow by 5 %: bounded memory, whatever comes. */
export class Histogram {
  readonly #buckets = new Uint32Array(BUCKETS);
  #count = 0;
  #max = 0;
  /** Of the last {@link summary}, while it is true. */
  #summary: LatencySummary | undefined;

  record(ms: number): void {
    const index = ms <= FIRST_MS ? 0 : Math.ceil(Math.log(ms / FIRST_MS) / Math.log(GROWTH));
    const bucket = Math.min(index, BUCKETS - 1);
    this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + 1;
    this.#count++;
    this.#max = Math.max(this.#max, ms);
    this.#summary = undefined;
  }

  summary(): LatencySummary {
    this.#summary ??= this.#summarised();
    return this.#summary;
  }

  #summarised(): LatencySummary {
    return {
      count: this.#count,
      p50Ms: this.#quantile(0.5),
      p95Ms: this.#quantile(0.95),
      p99Ms: this.#quantile(0.99),
      maxMs: this.#count === 0 ? undefined : this.#max,
    };
  }

  #quantile(share: number): number | undefined {
    let left = Math.ceil(share * this.#count);
    if (left === 0) return undefined;
    for (const [index, count] of this.#buckets.entries()) {
      left -= count;
      if (left <= 0) return Math.min(FIRST_MS * GROWTH ** index, this.#max);
    }
    return this.#max;
  }
}

/** Counters, latencies and the last recovery, drawn from the journal as it is written; the journal itself forgets. */
export class Metrics {
  readonly #facts: Partial<Record<FactKind, number>> = {};
  readonly #latency = new Histogram();
  #lastRecovery: RecoverySummary | undefined;

  constructor(journal: Journal) {
    journal.subscribe((entry) => {
      this.#facts[entry.kind] = (this.#facts[entry.kind] ?? 0) + 1;
      if (entry.kind === 'requestAnswered') this.#latency.record(entry.durationMs);
      if (entry.kind === 'sessionReplaced') {
        this.#lastRecovery = { at: entry.at, durationMs: entry.durationMs, cause: entry.cause };
      }
    });
  }

  /** Sessions replaced, resets included. */
  get recoveries(): number {
    return this.#facts.sessionReplaced ?? 0;
  }

  /** Requests sent again. */
  get replays(): number {
    return this.#facts.requestReplayed ?? 0;
  }

  get lastRecovery(): RecoverySummary | undefined {
    return this.#lastRecovery;
  }

  snapshot(): MetricsSnapshot {
    return { facts: { ...this.#facts }, latency: this.#latency.summary() };
  }
}
