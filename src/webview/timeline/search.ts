/** The first of `length` indices for which `holds`, or `length`. It must hold for all after the first. */
export function firstIndex(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Those of a list, sorted by time, that lie between two moments, both included. */
export function between<Item extends { readonly at: number }>(
  sorted: readonly Item[],
  from: number,
  to: number,
): readonly Item[] {
  const start = firstIndex(sorted.length, (index) => (sorted[index]?.at ?? 0) >= from);
  const end = firstIndex(sorted.length, (index) => (sorted[index]?.at ?? 0) > to);
  return sorted.slice(start, end);
}
