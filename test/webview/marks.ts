import type { Mark, MarkKind } from '../../src/webview/timeline/messages.ts';
import { Store, type StoredMark } from '../../src/webview/timeline/store.ts';

/** A call that took 10 ms. */
export function call(at: number, durationMs = 10): Mark {
  return { seq: at, lane: 0, at, kind: 'call', generation: 1, durationMs, text: `call ${at}` };
}

export function event(at: number, kind: MarkKind = 'fault'): Mark {
  return { seq: at, lane: 0, at, kind, generation: 1, text: `${kind} ${at}` };
}

/** As the page keeps them. */
export function stored(...marks: readonly Mark[]): StoredMark[] {
  return marks.map((mark) => ({ ...mark, haystack: mark.text.toLowerCase() }));
}

/** A store with two servers, the second one with two lanes: numbers 0, 1 and 2. */
export function aStore(marks: readonly Mark[] = [], limits = { calls: 1000, others: 1000 }): Store {
  const store = new Store(limits);
  const lanes = [
    { id: 0, server: 'a', title: 'A' },
    { id: 1, server: 'b', title: 'B, client 1', client: 1 },
    { id: 2, server: 'b', title: 'B' },
  ];
  store.add({ lanes, phases: [], marks });
  return store;
}
