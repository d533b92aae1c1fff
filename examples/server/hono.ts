// node examples/server/hono.ts
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
// In your project: from 'resilient-mcp/server'.
import { honoHandler, SessionManager } from '../../src/server/index.ts';
import { createServer } from './greeter.ts';

const port = Number(process.env.PORT ?? 3000);
const manager = new SessionManager(createServer);
const app = new Hono();
app.all('/mcp', honoHandler(manager));
const http = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () =>
  console.log(`listening on http://127.0.0.1:${port}/mcp`),
);

process.once('SIGTERM', async () => {
  await manager.drain();
  http.close();
});
