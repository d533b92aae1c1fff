import { setTimeout as pause } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

/** What another client of the machine is told of the gateway, by MCP: Copy Gateway Configuration. */
export interface GatewayEntries {
  readonly mcpServers: Readonly<Record<string, { url: string; headers: Record<string, string> }>>;
}

/** Between two calls, and within a call of the ledger, in ms: neither a drum roll nor a straight line. */
const GAPS = [90, 260, 140, 420, 70, 180, 310];
const TAKES = [4, 35, 12, 90, 260, 8, 55];

/** A client of the gateway outside the editor, which calls tools until it is closed. */
export class Traffic {
  readonly #client: Client;
  #isOpen = true;
  #done: Promise<void> = Promise.resolve();

  private constructor(client: Client) {
    this.#client = client;
  }

  /** @param server `everything` or `ledger`: each has tools of its own. */
  static async start(server: 'everything' | 'ledger', { mcpServers }: GatewayEntries): Promise<Traffic> {
    const entry = mcpServers[server];
    if (!entry) throw new Error(`The gateway has no server ${server}`);
    const transport = new StreamableHTTPClientTransport(new URL(entry.url), {
      requestInit: { headers: entry.headers },
    });
    const client = new Client({ name: 'agent', version: '1.0.0' });
    await client.connect(transport as Parameters<Client['connect']>[0]);
    const traffic = new Traffic(client);
    traffic.#done = traffic.#call(server);
    return traffic;
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#done;
    await this.#client.close();
  }

  async #call(server: 'everything' | 'ledger'): Promise<void> {
    for (let n = 0; this.#isOpen; n++) {
      const call =
        server === 'everything'
          ? { name: 'echo', arguments: { message: `entry ${n}` } }
          : { name: 'slow_append', arguments: { entry: `entry ${n}`, afterMs: TAKES[n % TAKES.length] } };
      // One that was cut off may or may not have run, and says so: that belongs into the picture.
      await this.#client.callTool(call).catch(() => {});
      await pause(GAPS[n % GAPS.length]);
    }
  }
}
