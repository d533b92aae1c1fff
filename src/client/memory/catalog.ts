import { BoundedMap } from '../../base/bounded-map.ts';
import { MAX_LIST_PAGES } from '../../protocol/list-pages.ts';
import { cursorOf, isResultResponse, type Request, type Response } from '../../protocol/message.ts';
import type { ToolHints } from '../../protocol/replay.ts';

/** Lists that a client keeps, and the notification that tells it to fetch one anew. */
const LISTS: Readonly<Record<string, { readonly items: string; readonly changed: string }>> = {
  'tools/list': { items: 'tools', changed: 'notifications/tools/list_changed' },
  'prompts/list': { items: 'prompts', changed: 'notifications/prompts/list_changed' },
  'resources/list': { items: 'resources', changed: 'notifications/resources/list_changed' },
  'resources/templates/list': { items: 'resourceTemplates', changed: 'notifications/resources/list_changed' },
};

/** Cursors remembered, oldest forgotten first. One that was forgotten counts as current. */
const MAX_CURSORS = 1000;

/** Tools whose hints are remembered; those of further ones count as not known. */
const MAX_TOOLS = 10_000;
/** What is kept of hints for another connection, in characters of JSON, about. */
const MAX_KEPT_LENGTH = 4096;
/** Of these, what one tool takes beside its name. */
const KEPT_FRAME = 28;

/**
 * What the server listed, as the client saw it: tool hints for the replay rule, pages to compare with those of a new
 * session, and the generation each page cursor belongs to.
 */
export class Catalog {
  /** Whether the client may know lists that were not seen here, from an earlier connection. */
  hasGaps = false;
  readonly #hints = new Map<string, ToolHints>();
  #ownTools: readonly string[] | undefined;
  readonly #pages = new Map<string, string[]>();
  readonly #cursors = new BoundedMap<string, number>(MAX_CURSORS);

  /** What the server last said of a tool; undefined for one that it has not listed. */
  hints(tool: string): ToolHints | undefined {
    return this.#hints.get(tool);
  }

  /** The pages of the tools as the client saw them or, where it saw none, as they were listed in its place. */
  get toolPages(): readonly string[] | undefined {
    return this.#pages.get('tools/list') ?? this.#ownTools;
  }

  /** The tools that may be called twice, for another connection; those without such a hint are listed when it matters. */
  get kept(): Readonly<Record<string, ToolHints>> {
    const kept: Record<string, ToolHints> = {};
    let length = 0;
    for (const [tool, hints] of this.#hints) {
      if (!hints.readOnlyHint && !hints.idempotentHint) continue;
      length += tool.length + KEPT_FRAME;
      if (length > MAX_KEPT_LENGTH) break;
      kept[tool] = hints;
    }
    return kept;
  }

  /** Takes over what another connection has kept. */
  take(hints: Readonly<Record<string, ToolHints>> = {}): void {
    for (const [tool, each] of Object.entries(hints)) this.#hints.set(tool, hintsOf(each));
  }

  /** All pages of the tools, listed not by the client but in its place. */
  learnTools(pages: readonly Response[]): void {
    const tools = pages.map((page) => (isResultResponse(page) ? page.result.tools : undefined));
    const known = tools.filter((items) => Array.isArray(items));
    this.#ownTools = known.map((items) => JSON.stringify(items));
    known.forEach((items, index) => {
      this.#learnHints(items, index === 0);
    });
  }

  /** Looks at an answered list request of the client, or of our own after a recovery. */
  observe(request: Request, response: Response, generation: number): void {
    const list = LISTS[request.method];
    if (!list || !isResultResponse(response)) return;
    const items = response.result[list.items];
    if (!Array.isArray(items)) return;
    const first = cursorOf(request) === undefined;
    if (request.method === 'tools/list') this.#learnHints(items, first);
    const pages = first ? [] : (this.#pages.get(request.method) ?? []);
    if (pages.length < MAX_LIST_PAGES) this.#pages.set(request.method, [...pages, JSON.stringify(items)]);
    const { nextCursor } = response.result;
    if (typeof nextCursor === 'string') this.#cursors.set(nextCursor, generation);
  }

  /** Whether a list request continues a list of an older generation. */
  isStale(request: Request, generation: number): boolean {
    const cursor = cursorOf(request);
    const issued = cursor === undefined ? undefined : this.#cursors.get(cursor);
    return issued !== undefined && issued !== generation;
  }

  /** The lists that the client has seen, with the text of each page. */
  known(): ReadonlyMap<string, readonly string[]> {
    return new Map(this.#pages);
  }

  /** The pages of one list as they are known now. */
  pages(method: string): readonly string[] | undefined {
    return this.#pages.get(method);
  }

  /** The notification for a list method. */
  changedNotification(method: string): string | undefined {
    return LISTS[method]?.changed;
  }

  #learnHints(tools: readonly unknown[], first: boolean): void {
    if (first) this.#hints.clear();
    for (const tool of tools as readonly { name?: unknown; annotations?: ToolHints }[]) {
      if (typeof tool?.name !== 'string' || this.#hints.size >= MAX_TOOLS) continue;
      this.#hints.set(tool.name, hintsOf(tool.annotations));
    }
  }
}

function hintsOf(annotations: ToolHints | undefined): ToolHints {
  return {
    ...(annotations?.readOnlyHint === true && { readOnlyHint: true }),
    ...(annotations?.idempotentHint === true && { idempotentHint: true }),
  };
}
