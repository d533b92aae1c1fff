// A server under the session manager, as a process of its own: `node server-program.ts <port> [options as JSON]`.
import { createServer } from 'node:http';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import {
  CreateMessageResultSchema,
  ElicitResultSchema,
  ListRootsResultSchema,
  SubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { nodeListener, SessionManager, type SessionRequest } from '../../../src/server/index.ts';
import { openStore, type ProgramOptions } from './program-options.ts';

const port = Number(process.argv[2]);
const options: ProgramOptions = JSON.parse(process.argv[3] ?? '{}');

const { store, name = 'program', ...given } = options;

function make(session: SessionRequest): McpServer {
  const server = new McpServer(
    { name, version: '1.0.0' },
    { capabilities: { logging: {}, resources: { subscribe: true } } },
  );
  const said = (value: unknown) => ({ content: [{ type: 'text' as const, text: JSON.stringify(value) }] });
  server.registerTool('echo', { inputSchema: { text: z.string() } }, ({ text }) => said(text));
  server.registerTool('pid', {}, () => said(process.pid));
  server.registerTool('reason', {}, () => said(session.reason));
  server.registerTool('client', {}, () =>
    said([server.server.getClientVersion(), server.server.getClientCapabilities()]),
  );
  server.registerTool(
    'ask',
    { inputSchema: { message: z.string() } },
    async ({ message }, { sendRequest }) => {
      const requestedSchema = {
        type: 'object' as const,
        properties: { answer: { type: 'string' as const } },
      };
      const params = { mode: 'form' as const, message, requestedSchema };
      const { action, content } = await sendRequest(
        { method: 'elicitation/create', params },
        ElicitResultSchema,
      );
      return said([process.pid, action, content?.answer]);
    },
  );
  server.registerTool('sample', { inputSchema: { text: z.string() } }, async ({ text }, { sendRequest }) => {
    const messages = [{ role: 'user' as const, content: { type: 'text' as const, text } }];
    const params = { messages, maxTokens: 10 };
    const { content } = await sendRequest(
      { method: 'sampling/createMessage', params },
      CreateMessageResultSchema,
    );
    return said([process.pid, content]);
  });
  server.registerTool('roots', {}, async ({ sendRequest }) => {
    const { roots } = await sendRequest({ method: 'roots/list' }, ListRootsResultSchema);
    return said([process.pid, roots]);
  });
  server.registerTool('run', { inputSchema: { key: z.string() } }, ({ key }) => {
    console.log(`ran ${key}`);
    return said(process.pid);
  });
  server.registerTool('remember', { inputSchema: { value: z.string() } }, async ({ value }) => {
    await session.setState({ value });
    return said(process.pid);
  });
  server.registerTool('recall', {}, () => said([process.pid, session.state]));
  server.registerTool('wait', {}, async ({ signal }) => {
    console.log('waiting');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    console.log('cancelled');
    return said('cancelled');
  });
  server.registerTool('hold', { inputSchema: { ms: z.number() } }, async ({ ms }) => {
    console.log('holding');
    await new Promise((resolve) => setTimeout(resolve, ms));
    return said(process.pid);
  });
  server.registerTool(
    'log',
    { inputSchema: { level: z.enum(['debug', 'info', 'error']) } },
    async ({ level }) => {
      await server.sendLoggingMessage({ level, data: `from ${process.pid}` }, session.sessionId);
      return said(process.pid);
    },
  );
  const subscribed = new Set<string>();
  server.registerResource(
    'note',
    new ResourceTemplate('note://{name}', { list: undefined }),
    {},
    ({ href }) => ({
      contents: [{ uri: href, text: '' }],
    }),
  );
  server.server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    subscribed.add(params.uri);
    return {};
  });
  server.registerTool('subscribed', {}, () => said([process.pid, [...subscribed]]));
  return server;
}

const manager = new SessionManager(make, {
  ...given,
  ...(store && { store: await openStore(store) }),
  log: (record) => console.log(JSON.stringify(record)),
});
const http = createServer(nodeListener(manager));
process.once('SIGTERM', async () => {
  console.log('draining');
  await manager.drain({ timeoutMs: 5000 });
  http.close();
  http.closeAllConnections();
  process.exit(0);
});
http.listen(port, '127.0.0.1', () => console.log(`listening on ${port}`));
