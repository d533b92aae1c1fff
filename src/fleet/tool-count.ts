import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import { describeError } from '../protocol/errors.ts';

/** Pages of `tools/list` that are followed. What lies beyond is not counted. */
export const MAX_TOOL_PAGES = 100;

/** Only what counting needs: one malformed tool must not hide the others. */
const toolPage = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.string().optional() });

/** Lists the tools of a server, all pages, and counts them. A server without tools has 0. @throws what the request throws. */
export async function countTools(client: Client): Promise<number> {
  let count = 0;
  let cursor: string | undefined;
  for (let page = 0; page < MAX_TOOL_PAGES; page++) {
    const answer = await requestPage(client, cursor);
    count += answer.tools.length;
    // A server that answers with the cursor it was asked with would be listed for ever.
    if (answer.nextCursor === undefined || answer.nextCursor === cursor) break;
    cursor = answer.nextCursor;
  }
  return count;
}

async function requestPage(client: Client, cursor: string | undefined): Promise<z.infer<typeof toolPage>> {
  try {
    const params = cursor === undefined ? {} : { cursor };
    return await client.request({ method: 'tools/list', params }, toolPage);
  } catch (error) {
    if (error instanceof McpError && error.code === ErrorCode.MethodNotFound) return { tools: [] };
    throw error;
  }
}

export interface ToolCountEvents {
  readonly onCounted: (tools: number) => void;
  readonly onFailed: (reason: string) => void;
}

type Phase = 'stale' | 'counting' | 'counting, again wanted' | 'fresh' | 'stopped';

/** How many tools a server has, counted in the background. The last count stays while a new one is made. */
export class ToolCount {
  readonly #count: () => Promise<number>;
  readonly #events: ToolCountEvents;
  #value: number | undefined;
  #phase: Phase = 'stale';

  constructor(count: () => Promise<number>, events: ToolCountEvents) {
    this.#count = count;
    this.#events = events;
  }

  /** Undefined before the first count. */
  get value(): number | undefined {
    return this.#value;
  }

  /** Counts anew. What is asked for during a count is done once, after it. */
  refresh(): void {
    if (this.#phase === 'counting') this.#phase = 'counting, again wanted';
    else if (this.#phase === 'stale' || this.#phase === 'fresh') void this.#run();
  }

  /** Counts if the last count failed or there was none. */
  refreshIfStale(): void {
    if (this.#phase === 'stale') void this.#run();
  }

  /** A count under way has no effect any more. */
  stop(): void {
    this.#phase = 'stopped';
  }

  async #run(): Promise<void> {
    this.#phase = 'counting';
    const outcome = await this.#count().then(
      (tools) => ({ tools }),
      (error: unknown) => ({ reason: describeError(error) }),
    );
    if (!this.#ended('tools' in outcome)) return;
    if ('tools' in outcome) {
      this.#value = outcome.tools;
      this.#events.onCounted(outcome.tools);
    } else {
      this.#events.onFailed(outcome.reason);
    }
  }

  /** A count has ended: begins the next one if it was asked for. False when nobody wants to know any more. */
  #ended(well: boolean): boolean {
    if (this.#phase === 'stopped') return false;
    const again = this.#phase === 'counting, again wanted';
    this.#phase = well ? 'fresh' : 'stale';
    if (again) void this.#run();
    return true;
  }
}
