/** Rows on one page of the table. A screen reader reads a table of this size at once; thousands of rows it does not. */
const PAGE_SIZE = 100;

/** A page of rows, the latest first. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Numbers of the first and the last row, from 1; 0 when there is none. */
  readonly first: number;
  readonly last: number;
  readonly total: number;
  /** From 0, the page of the latest. */
  readonly page: number;
  readonly pages: number;
}

/** @param sorted oldest first. @param wanted the page, from 0; brought into bounds. */
export function pageOf<Row>(sorted: readonly Row[], wanted: number, size = PAGE_SIZE): Page<Row> {
  const total = sorted.length;
  const pages = Math.max(1, Math.ceil(total / size));
  const page = Math.min(Math.max(0, wanted), pages - 1);
  const end = total - page * size;
  const rows = sorted.slice(Math.max(0, end - size), end).reverse();
  const first = rows.length === 0 ? 0 : page * size + 1;
  return { rows, first, last: first === 0 ? 0 : first + rows.length - 1, total, page, pages };
}

/** The page on which a row stands. */
export function pageWith(length: number, index: number, size = PAGE_SIZE): number {
  return Math.floor((length - 1 - index) / size);
}
