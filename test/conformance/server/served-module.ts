// The conformance server for `resilient-mcp serve`. Its process dies by SIGKILL as soon as a client is initialized: all
// that the client asks for afterwards is answered by the next process, in the session that the dead one has opened.
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { SessionRequest } from '../../../src/server/index.ts';
import { makeServer } from './everything.ts';

export function createServer({ reason }: SessionRequest): McpServer {
  const server = makeServer();
  server.server.oninitialized = () => {
    // The program's own trial has to survive, or there would be no process to kill.
    const isTrial = server.server.getClientVersion()?.name === 'resilient-mcp serve';
    if (reason === 'new' && !isTrial) process.kill(process.pid, 'SIGKILL');
  };
  return server;
}
