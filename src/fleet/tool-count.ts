import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';

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
