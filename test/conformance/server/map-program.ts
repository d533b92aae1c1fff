// The baseline: the conformance server as the SDK's examples serve one, with a map of transports.
//   node map-program.ts <port>
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { makeServer } from './everything.ts';
import { MemoryEvents } from './memory-events.ts';

const port = Number(process.argv[2]);
const transports = new Map<string, StreamableHTTPServerTransport>();

async function newTransport(): Promise<StreamableHTTPServerTransport> {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    eventStore: new MemoryEvents(),
    retryInterval: 500,
    enableDnsRebindingProtection: true,
    allowedHosts: [`127.0.0.1:${port}`, `localhost:${port}`],
    onsessioninitialized: (id) => void transports.set(id, transport),
    onsessionclosed: (id) => void transports.delete(id),
  });
  await makeServer().connect(transport as Transport);
  return transport;
}

createServer(async (request, response) => {
  const id = request.headers['mcp-session-id'];
  const known = typeof id === 'string' ? transports.get(id) : undefined;
  if (id !== undefined && !known) {
    response.writeHead(404).end();
    return;
  }
  await (known ?? (await newTransport())).handleRequest(request, response);
}).listen(port, '127.0.0.1', () => console.log(`listening on ${port}`));
