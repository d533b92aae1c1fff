import type { Notification } from '../../protocol/message.ts';
import type { SessionMemory } from '../memory/session-memory.ts';
import type { Journal } from '../observe/journal.ts';
import type { Session } from '../session/session.ts';
import type { ListedPage, ServerLists } from './server-lists.ts';

/** Compares the lists of a new session with those that the client knows, and tells it of each that differs. */
export class ListComparison {
  readonly #memory: SessionMemory;
  readonly #lists: ServerLists;
  readonly #journal: Journal;
  readonly #onListChanged: (notification: Notification) => void;

  /** @param onListChanged tells the client that a list differs from what it knows */
  constructor(
    memory: SessionMemory,
    lists: ServerLists,
    journal: Journal,
    onListChanged: (notification: Notification) => void,
  ) {
    this.#memory = memory;
    this.#lists = lists;
    this.#journal = journal;
    this.#onListChanged = onListChanged;
  }

  /**
   * Fetches the lists that the client knows, and tells it of each that differs, once. The answers also bring the tool
   * hints of the new server. Never rejects.
   */
  async compare(session: Session): Promise<void> {
    const { catalog } = this.#memory;
    const told = new Set<string>();
    for (const [method, before] of catalog.known()) {
      const after = await this.#list(session, method, before.length);
      if (session.ended.signal.aborted) return;
      // The client has listed anew in the meantime: it knows already.
      if (catalog.pages(method) !== before) continue;
      for (const { request, response } of after ?? []) catalog.observe(request, response, session.generation);
      const now = after && (catalog.pages(method) ?? []);
      // A server that is another may have no such list at all.
      if (now ? !isSame(now, before) : session.isOfAnother) this.#tellChanged(session, method, told);
    }
    if (!session.isOfAnother || !catalog.hasGaps) return;
    for (const method of this.#offered()) this.#tellChanged(session, method, told);
  }

  /** The lists that the server has, by what it says of itself. */
  #offered(): readonly string[] {
    const { capabilities } = this.#memory.handshake.answer ?? {};
    return ['tools', 'prompts', 'resources']
      .filter((kind) => Object.hasOwn(capabilities ?? {}, kind))
      .map((kind) => `${kind}/list`);
  }

  #tellChanged({ generation }: Session, what: string, told: Set<string>): void {
    const method = this.#memory.catalog.changedNotification(what);
    if (method === undefined || told.has(method)) return;
    told.add(method);
    this.#journal.record({ kind: 'serverChanged', generation, what: [what] });
    this.#onListChanged({ jsonrpc: '2.0', method });
  }

  /** No further than the client has seen: it may have stopped at the first page. */
  async #list(
    session: Session,
    method: string,
    knownPages: number,
  ): Promise<readonly ListedPage[] | undefined> {
    if (method === 'tools/list' && this.#lists.hasBegun(session)) {
      return (await this.#lists.tools(session))?.pages.slice(0, knownPages);
    }
    return this.#lists.pages(session, method, knownPages).catch(() => undefined);
  }
}

function isSame(now: readonly string[], before: readonly string[]): boolean {
  return now.length === before.length && now.every((page, index) => page === before[index]);
}
