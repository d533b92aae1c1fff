import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { countListed, ListCount, type ListKind } from './list-count.ts';

export interface OffersEvents {
  readonly onCounted: (list: ListKind, count: number) => void;
  readonly onFailed: (list: ListKind, reason: string) => void;
}

/** How many tools, resources and prompts a server offers; counted anew when it says that a list has changed. */
export class Offers {
  readonly #lists: Readonly<Record<ListKind, ListCount>>;

  constructor(client: Client, { onCounted, onFailed }: OffersEvents) {
    const counted = (list: ListKind) =>
      new ListCount(() => countListed(client, list), {
        onCounted: (count) => onCounted(list, count),
        onFailed: (reason) => onFailed(list, reason),
      });
    const [tools, resources, prompts] = [counted('tools'), counted('resources'), counted('prompts')];
    this.#lists = { tools, resources, prompts };
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => tools.refresh());
    client.setNotificationHandler(ResourceListChangedNotificationSchema, () => resources.refresh());
    client.setNotificationHandler(PromptListChangedNotificationSchema, () => prompts.refresh());
  }

  /** Each is undefined before its first count. */
  get counts(): Readonly<Record<ListKind, number | undefined>> {
    const { tools, resources, prompts } = this.#lists;
    return { tools: tools.value, resources: resources.value, prompts: prompts.value };
  }

  refresh(): void {
    for (const list of Object.values(this.#lists)) list.refresh();
  }

  /** Counts what could not be counted before. */
  refreshIfStale(): void {
    for (const list of Object.values(this.#lists)) list.refreshIfStale();
  }

  stop(): void {
    for (const list of Object.values(this.#lists)) list.stop();
  }
}
