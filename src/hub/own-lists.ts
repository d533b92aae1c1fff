import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  ErrorCode,
  McpError,
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import { describeError } from '../protocol/errors.ts';
import { listPages } from '../protocol/list-pages.ts';
import type { ListKind } from './snapshot.ts';

export interface OwnListsEvents {
  readonly onCounted: (list: ListKind, count: number) => void;
  readonly onFailed: (list: ListKind, reason: string) => void;
}

/** The lists that the hub's own client counts: at the start, and after each `list_changed`. */
export class OwnLists {
  readonly #lists: readonly ListCount[];

  constructor(client: Client, { onCounted, onFailed }: OwnListsEvents) {
    const counted = (list: ListKind) =>
      new ListCount(() => countListed(client, list), {
        onCounted: (count) => onCounted(list, count),
        onFailed: (reason) => onFailed(list, reason),
      });
    const [tools, resources, prompts] = [counted('tools'), counted('resources'), counted('prompts')];
    this.#lists = [tools, resources, prompts];
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => tools.refresh());
    client.setNotificationHandler(ResourceListChangedNotificationSchema, () => resources.refresh());
    client.setNotificationHandler(PromptListChangedNotificationSchema, () => prompts.refresh());
  }

  refresh(): void {
    for (const list of this.#lists) list.refresh();
  }

  /** Counts the lists whose count failed before. */
  refreshIfStale(): void {
    for (const list of this.#lists) list.refreshIfStale();
  }

  stop(): void {
    for (const list of this.#lists) list.stop();
  }
}

/**
 * Reads all pages of a list and counts its entries. 0 for a server without that capability.
 *
 * @throws as the request does
 */
async function countListed(client: Client, list: ListKind): Promise<number> {
  // Tools are always requested: some servers offer them without the capability.
  if (list !== 'tools' && client.getServerCapabilities()?.[list] === undefined) return 0;
  const { pages } = await listPages(
    (cursor) => requestPage(client, list, cursor),
    ({ nextCursor }) => nextCursor,
  );
  return pages.reduce((sum, { count }) => sum + count, 0);
}

/** Checks only what counting needs: one malformed entry must not hide the others. */
const PAGES = {
  tools: z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.string().optional() }),
  resources: z.looseObject({ resources: z.array(z.unknown()), nextCursor: z.string().optional() }),
  prompts: z.looseObject({ prompts: z.array(z.unknown()), nextCursor: z.string().optional() }),
} as const;

async function requestPage(
  client: Client,
  list: ListKind,
  cursor: string | undefined,
): Promise<{ readonly count: number; readonly nextCursor?: string | undefined }> {
  try {
    const params = cursor === undefined ? {} : { cursor };
    const page = await client.request({ method: `${list}/list`, params }, PAGES[list]);
    const entries = page[list];
    return { count: Array.isArray(entries) ? entries.length : 0, nextCursor: page.nextCursor };
  } catch (error) {
    if (error instanceof McpError && error.code === ErrorCode.MethodNotFound) return { count: 0 };
    throw error;
  }
}

interface ListCountEvents {
  readonly onCounted: (count: number) => void;
  readonly onFailed: (reason: string) => void;
}

type Phase = 'stale' | 'counting' | 'counting, again wanted' | 'fresh' | 'stopped';

/** Counts one list in the background. */
class ListCount {
  readonly #count: () => Promise<number>;
  readonly #events: ListCountEvents;
  #phase: Phase = 'stale';

  constructor(count: () => Promise<number>, events: ListCountEvents) {
    this.#count = count;
    this.#events = events;
  }

  /** Counts again. Requests during a count are served by one further count after it. */
  refresh(): void {
    if (this.#phase === 'counting') this.#phase = 'counting, again wanted';
    else if (this.#phase === 'stale' || this.#phase === 'fresh') void this.#run();
  }

  /** Counts if the last count failed or there was none. */
  refreshIfStale(): void {
    if (this.#phase === 'stale') void this.#run();
  }

  /** Discards the result of a count under way. */
  stop(): void {
    this.#phase = 'stopped';
  }

  async #run(): Promise<void> {
    this.#phase = 'counting';
    const outcome = await this.#count().then(
      (count) => ({ count }),
      (error: unknown) => ({ reason: describeError(error) }),
    );
    if (!this.#ended('count' in outcome)) return;
    if ('count' in outcome) this.#events.onCounted(outcome.count);
    else this.#events.onFailed(outcome.reason);
  }

  /** After a count: starts the next one if requested. False after {@link stop}. */
  #ended(well: boolean): boolean {
    if (this.#phase === 'stopped') return false;
    const again = this.#phase === 'counting, again wanted';
    this.#phase = well ? 'fresh' : 'stale';
    if (again) void this.#run();
    return true;
  }
}
