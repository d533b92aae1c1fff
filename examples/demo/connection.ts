import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { JournalEntry } from '../../src/client/index.ts';
import type { ClientModule } from './built-client.ts';

/** An SDK client and what the account wants to know of its transport. */
export interface DemoConnection {
  readonly client: Client;
  /** Sessions opened so far. */
  sessions(): number;
  close(): Promise<void>;
}

const identity = { name: 'demo', version: '1.0.0' };

/** Connects by the transport of this project. `onFact` is told every fact of its journal. */
export async function connectResilient(
  { ResilientTransport }: ClientModule,
  url: string,
  onFact: (entry: JournalEntry) => void,
): Promise<DemoConnection> {
  const transport = new ResilientTransport(new URL(url));
  const facts = transport.journal.subscribe(onFact);
  const client = new Client(identity);
  await client.connect(transport);
  return {
    client,
    sessions: () => transport.snapshot().generation,
    async close() {
      await client.close();
      facts.dispose();
    },
  };
}

/** Connects by the SDK's own transport, which keeps a lost session for ever. */
export async function connectPlain(url: string): Promise<DemoConnection> {
  const client = new Client(identity);
  const transport = new StreamableHTTPClientTransport(new URL(url));
  // The SDK's class and interface disagree under exactOptionalPropertyTypes.
  await client.connect(transport as Parameters<Client['connect']>[0]);
  return { client, sessions: () => 1, close: () => client.close() };
}
