// SDK 2 with sessions: one transport for each, in a Map, unknown ids answered with 404 as its documentation says.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { counted } from './counted.mjs';

const transports = new Map();

async function opened() {
  const transport = new NodeStreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (id) => void transports.set(id, transport),
  });
  transport.onclose = () => transports.delete(transport.sessionId);
  const server = new McpServer({ name: 'counting', version: '1.0.0' });
  server.registerTool('count', { inputSchema: z.object({ key: z.string() }) }, ({ key }) => ({
    content: [{ type: 'text', text: counted(key) }],
  }));
  await server.connect(transport);
  return transport;
}

function refused(response, status, code, message) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null }));
}

const server = createServer(async (request, response) => {
  const id = request.headers['mcp-session-id'];
  // A transport that has no session yet refuses by itself whatever is no `initialize`.
  const transport = id === undefined ? await opened() : transports.get(id);
  if (!transport) return refused(response, 404, -32001, 'Session not found');
  await transport.handleRequest(request, response);
});
server.listen(Number(process.argv[2]), '127.0.0.1');
