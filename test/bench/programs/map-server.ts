// The server that the SDK's documentation shows, and that is copied everywhere: a Map of transports, one for each
// session. As the documentation has it, on Express; with the argument `node`, on node:http alone.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { createMcpExpressApp } from '@modelcontextprotocol/sdk/server/express.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';
import { answerQuestions } from '../program.ts';
import { echoServer } from './echo-server.ts';
import { heapInUse, restartable } from './listening.ts';
import { cpuMs } from './timed.ts';

const transports = new Map<string, StreamableHTTPServerTransport>();

async function handle(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void> {
  const sessionId = request.headers['mcp-session-id'];
  const known = typeof sessionId === 'string' ? transports.get(sessionId) : undefined;
  if (known) return known.handleRequest(request, response, body);
  if (sessionId !== undefined) return refuse(response, 404, -32001, 'Session not found');
  if (!isInitializeRequest(body)) {
    return refuse(response, 400, -32000, 'Bad Request: No valid session ID provided');
  }
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: (id) => void transports.set(id, transport),
  });
  transport.onclose = () => void transports.delete(transport.sessionId ?? '');
  // The SDK declares its transports without exactOptionalPropertyTypes, and its interface with it.
  type Accepted = Parameters<ReturnType<typeof echoServer>['connect']>[0];
  await echoServer().connect(transport as Accepted);
  return transport.handleRequest(request, response, body);
}

function refuse(response: ServerResponse, status: number, code: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null }));
}

function onExpress() {
  const app = createMcpExpressApp();
  type WithBody = IncomingMessage & { readonly body?: unknown };
  app.all('/mcp', (request: WithBody, response: ServerResponse) => handle(request, response, request.body));
  return app;
}

async function onNode(request: IncomingMessage, response: ServerResponse): Promise<void> {
  return handle(request, response, request.method === 'POST' ? await json(request) : undefined);
}

const server = await restartable(process.argv[2] === 'node' ? onNode : onExpress());

const handlers = {
  url: () => server.url,
  heap: heapInUse,
  cpu: cpuMs,
  /** What a client sees of a restart: no session of it is known any more. */
  forget: () => transports.clear(),
  /** What a client sees of a server that ends: nobody listens, and no session is known when somebody does again. */
  async leave() {
    transports.clear();
    await server.leave();
  },
  comeBack: () => server.comeBack(),
};

export type MapServer = typeof handlers;
answerQuestions(handlers);
