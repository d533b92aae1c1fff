import { type Filter, NO_FILTER, readFilter } from './filter.ts';

export type ViewName = 'chart' | 'table';

/** What the editor keeps of the page while it is hidden, and over a reload of the window. */
export interface ViewState {
  readonly view: ViewName;
  readonly filter: Filter;
  /** How much time is shown, in ms; undefined before anybody has zoomed. */
  readonly span: number | undefined;
  /** The end of the visible range, in ms since the epoch; undefined while it follows the present. */
  readonly to: number | undefined;
}

const FIRST: ViewState = { view: 'chart', filter: NO_FILTER, span: undefined, to: undefined };

/** What was kept, or the part of it that can be used: another version of the page may have written it. */
export function readViewState(kept: unknown): ViewState {
  if (typeof kept !== 'object' || kept === null) return FIRST;
  const { view, filter, span, to } = kept as Record<string, unknown>;
  return {
    view: view === 'table' ? 'table' : 'chart',
    filter: readFilter(filter),
    span: typeof span === 'number' && span > 0 ? span : undefined,
    to: typeof to === 'number' && Number.isFinite(to) ? to : undefined,
  };
}
