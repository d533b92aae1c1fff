import type { Lane } from './messages.ts';
import type { Range } from './range.ts';
import type { Store } from './store.ts';

/** The lanes that have something to show in a range: one that was closed before it or begins after it has not. */
export function visibleLanes(store: Store, server: string | undefined, { from, to }: Range): readonly Lane[] {
  return store.lanes.filter((lane) => {
    if (server !== undefined && lane.server !== server) return false;
    const phases = store.phases(lane.id);
    const last = phases.at(-1);
    const isOver = last?.kind === 'ended' && last.from < from;
    const isToCome = (phases[0]?.from ?? 0) > to;
    return !isOver && !isToCome;
  });
}
