// node examples/server/node-http.ts
import { createServer as createHttpServer } from 'node:http';
// In your project: from 'resilient-mcp/server'.
import { nodeListener, SessionManager } from '../../src/server/index.ts';
import { createServer } from './greeter.ts';

const port = Number(process.env.PORT ?? 3000);
const manager = new SessionManager(createServer);
const http = createHttpServer(nodeListener(manager));
http.listen(port, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${port}/mcp`));

// Calls under way are finished; the sessions go on at the next process.
process.once('SIGTERM', async () => {
  await manager.drain();
  http.close();
});
