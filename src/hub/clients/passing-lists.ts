import { cursorOf, isResultResponse, type Request, type Response } from '../../protocol/message.ts';
import { peek } from '../../protocol/text/message-text.ts';
import type { ListKind } from '../snapshot.ts';

const LISTS: Readonly<Record<string, ListKind>> = {
  'tools/list': 'tools',
  'resources/list': 'resources',
  'prompts/list': 'prompts',
};

/** Called with the number of entries of a list that was read to its end. */
export type OnCounted = (list: ListKind, count: number) => void;

/** Counts the lists that one client reads, from the answers relayed to it. */
export class PassingLists {
  readonly #onCounted: OnCounted;
  /** Entries on the pages read so far. */
  readonly #counts = new Map<ListKind, number>();

  constructor(onCounted: OnCounted) {
    this.#onCounted = onCounted;
  }

  observe(request: Request, response: Response): void {
    const list = LISTS[request.method];
    if (!list || !isResultResponse(response)) return;
    const items = peek(response, ['result', list]);
    if (!Array.isArray(items)) return;
    const before = cursorOf(request) === undefined ? 0 : (this.#counts.get(list) ?? 0);
    this.#counts.set(list, before + items.length);
    if (typeof peek(response, ['result', 'nextCursor']) !== 'string')
      this.#onCounted(list, before + items.length);
  }
}
