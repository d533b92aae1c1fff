import { once } from 'node:events';
import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import {
  CallToolRequestSchema,
  ListToolsRequestSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { freePort } from '../../harness/free-port.ts';
import { until } from '../../harness/until.ts';

/** What is done with the next message of a tool call. */
export type SseFault =
  /** It is answered so instead of being run. */
  | { readonly status: number; readonly body?: string }
  /** Its connection is cut before it is run. */
  | 'reset'
  /** It runs, and then the stream is cut before the answer. */
  | 'cut-after-run';

interface Session {
  readonly transport: SSEServerTransport;
  readonly response: ServerResponse;
}

/**
 * A server of the HTTP+SSE transport, made of the SDK's own parts, whose streams a test can cut, whose sessions it can
 * forget and whose port it can close. Its tools count their runs.
 */
export class SseServer implements AsyncDisposable {
  readonly port: number;
  /** What happened, as words: `opened`, `run count a`, `level debug`, `subscribed a://b`. */
  readonly log: string[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  /** What a message to an unknown session is answered with. */
  unknownSession = { status: 404, body: 'Session not found' };
  tools = ['count', 'peek', 'hang', 'hangPeek'];
  #http: HttpServer | undefined;
  readonly #sessions = new Map<string, Session>();
  readonly #listeners = new Set<() => void>();
  readonly #faults: SseFault[] = [];

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<SseServer> {
    const server = new SseServer(await freePort());
    await server.listen();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/sse`;
  }

  get streams(): number {
    return this.#sessions.size;
  }

  count(words: string): number {
    return this.log.filter((line) => line === words).length;
  }

  /** Waits until this has happened so often, in all. */
  async until(words: string, count = 1): Promise<void> {
    if (this.count(words) >= count) return;
    const subscribe = (listener: () => void) => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    };
    await until<void>(subscribe, () => this.count(words) >= count, { what: `"${words}" number ${count}` });
  }

  next(fault: SseFault): void {
    this.#faults.push(fault);
  }

  /** Cuts every stream; the port stays open. */
  cut(): void {
    for (const { response } of this.#sessions.values()) response.destroy();
  }

  /** Ends every stream in good order. */
  endStreams(): void {
    for (const { response } of this.#sessions.values()) response.end();
  }

  /** Forgets every session and leaves its stream open: messages to it are refused. */
  forget(): void {
    this.#sessions.clear();
  }

  async listen(): Promise<void> {
    const http = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    this.#http = http;
    await once(http.listen(this.port, '127.0.0.1'), 'listening');
  }

  /** Closes the port and cuts every connection. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#http?.close(resolve) ?? resolve(undefined));
    this.#http?.closeAllConnections();
    this.#sessions.clear();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    this.headers.push(request.headers);
    if (request.method === 'GET' && url.pathname === '/sse') return this.#open(response);
    const session = this.#sessions.get(url.searchParams.get('sessionId') ?? '');
    if (!session) {
      response.writeHead(this.unknownSession.status).end(this.unknownSession.body);
      return;
    }
    let text = '';
    for await (const chunk of request) text += chunk;
    const message = JSON.parse(text);
    const fault = message.method === 'tools/call' ? this.#faults.shift() : undefined;
    if (fault === 'reset') request.socket.destroy();
    else if (fault === 'cut-after-run') {
      this.#happened(`run ${message.params.name} ${message.params.arguments.key}`);
      response.writeHead(202).end('Accepted');
      session.response.destroy();
    } else if (fault) response.writeHead(fault.status).end(fault.body ?? '');
    else await session.transport.handlePostMessage(request, response, message);
  }

  async #open(response: ServerResponse): Promise<void> {
    const transport = new SSEServerTransport('/message', response);
    this.#sessions.set(transport.sessionId, { transport, response });
    response.once('close', () => this.#sessions.delete(transport.sessionId));
    await this.#server().connect(transport);
    this.#happened('opened');
  }

  #server(): Server {
    const server = new Server(
      { name: 'sse', version: '1.0.0' },
      { capabilities: { tools: { listChanged: true }, logging: {}, resources: { subscribe: true } } },
    );
    server.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: this.tools.map((name) => ({
        name,
        inputSchema: { type: 'object' as const },
        annotations: { readOnlyHint: /peek/i.test(name) },
      })),
    }));
    server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
      this.#happened(`run ${params.name} ${params.arguments?.key}`);
      if (params.name.startsWith('hang')) await new Promise(() => {});
      const much = 'x'.repeat(Number(params.arguments?.bytes ?? 0));
      return { content: [{ type: 'text', text: `ran ${params.arguments?.key}${much}` }] };
    });
    server.setRequestHandler(SetLevelRequestSchema, ({ params }) => {
      this.#happened(`level ${params.level}`);
      return {};
    });
    server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
      this.#happened(`subscribed ${params.uri}`);
      return {};
    });
    return server;
  }

  #happened(words: string): void {
    this.log.push(words);
    for (const tell of this.#listeners) tell();
  }
}
