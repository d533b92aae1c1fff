// node examples/server/express.ts
import express from 'express';
// In your project: from 'resilient-mcp/server'.
import { expressHandler, SessionManager } from '../../src/server/index.ts';
import { createServer } from './greeter.ts';

const port = Number(process.env.PORT ?? 3000);
const manager = new SessionManager(createServer);
const app = express();
app.all('/mcp', expressHandler(manager));
const http = app.listen(port, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${port}/mcp`));

process.once('SIGTERM', async () => {
  await manager.drain();
  http.close();
});
