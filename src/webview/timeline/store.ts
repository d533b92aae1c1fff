import type { Increment, Lane, Mark, Phase } from './messages.ts';
import { firstIndex } from './search.ts';

export interface StoreLimits {
  readonly calls: number;
  readonly others: number;
}

/** A mark with what the filter looks through. */
export interface StoredMark extends Mark {
  readonly haystack: string;
}

/** More than its limit by this share, and the oldest are dropped. */
const SLACK = 0.1;

/** All that the page was told, in the order of time. */
export class Store {
  readonly #limits: StoreLimits;
  readonly #lanes = new Map<number, Lane>();
  readonly #phases = new Map<number, Phase[]>();
  #marks: StoredMark[] = [];
  #calls = 0;

  constructor(limits: StoreLimits) {
    this.#limits = limits;
  }

  /** Oldest first. Two marks of one moment stand in the order of their numbers. */
  get marks(): readonly StoredMark[] {
    return this.#marks;
  }

  /** Those of one server stand together, its clients' last; servers in the order of their first fact. */
  get lanes(): readonly Lane[] {
    const all = [...this.#lanes.values()];
    const servers = [...new Set(all.map(({ server }) => server))];
    return servers.flatMap((server) =>
      all.filter((lane) => lane.server === server).sort((a, b) => (a.client ?? 0) - (b.client ?? 0)),
    );
  }

  lane(id: number): Lane | undefined {
    return this.#lanes.get(id);
  }

  /** The phases of a lane, oldest first. */
  phases(lane: number): readonly Phase[] {
    return this.#phases.get(lane) ?? [];
  }

  /** The phase that a lane is in at a moment. */
  phaseAt(lane: number, at: number): Phase | undefined {
    const phases = this.phases(lane);
    return phases[firstIndex(phases.length, (index) => (phases[index]?.from ?? 0) > at) - 1];
  }

  add({ lanes, phases, marks }: Pick<Increment, 'lanes' | 'phases' | 'marks'>): void {
    for (const lane of lanes) this.#lanes.set(lane.id, lane);
    for (const phase of phases) this.#addPhase(phase);
    for (const mark of marks) this.#addMark(mark);
    this.#trim();
  }

  #addPhase(phase: Phase): void {
    const known = this.#phases.get(phase.lane);
    if (known) insert(known, phase, (each) => each.from > phase.from);
    else this.#phases.set(phase.lane, [phase]);
  }

  #addMark(mark: Mark): void {
    const title = this.#lanes.get(mark.lane)?.title ?? '';
    const stored = { ...mark, haystack: `${mark.text}\n${title}`.toLowerCase() };
    if (mark.kind === 'call') this.#calls++;
    insert(this.#marks, stored, (each) => each.at > mark.at);
  }

  #trim(): void {
    const { calls, others } = this.#limits;
    const dropCalls = excess(this.#calls, calls);
    const dropOthers = excess(this.#marks.length - this.#calls, others);
    if (dropCalls + dropOthers === 0) return;
    let [callsLeft, othersLeft] = [dropCalls, dropOthers];
    this.#marks = this.#marks.filter(({ kind }) => (kind === 'call' ? callsLeft-- <= 0 : othersLeft-- <= 0));
    this.#calls -= dropCalls;
    this.#trimPhases(this.#marks[0]?.at ?? 0);
  }

  /** What was over before the oldest mark explains nothing any more, nor does a lane that was closed before it. */
  #trimPhases(oldest: number): void {
    for (const [lane, phases] of this.#phases) {
      const over = firstIndex(phases.length, (index) => (phases[index]?.from ?? 0) > oldest) - 1;
      if (over > 0) phases.splice(0, over);
      const isGone = phases.length === 1 && phases[0]?.kind === 'ended' && phases[0].from < oldest;
      if (isGone) {
        this.#phases.delete(lane);
        this.#lanes.delete(lane);
      }
    }
  }
}

function excess(count: number, limit: number): number {
  return count > limit * (1 + SLACK) ? count - limit : 0;
}

/** Nearly everything comes in order; a clock that was set back is no reason to be wrong. */
function insert<Item>(sorted: Item[], item: Item, isLater: (each: Item) => boolean): void {
  const last = sorted.at(-1);
  if (last === undefined || !isLater(last)) {
    sorted.push(item);
    return;
  }
  const index = firstIndex(sorted.length, (each) => isLater(sorted[each] as Item));
  sorted.splice(index, 0, item);
}
