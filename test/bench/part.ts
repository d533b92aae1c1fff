import type { Comparison } from './harness.ts';

/** One subject of the measurements, with the processes that it needs; they end with it. */
export interface Part extends AsyncDisposable {
  readonly comparisons: readonly Comparison[];
}
