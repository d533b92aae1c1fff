import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';
import { Ledger } from './ledger.ts';
import { type LedgerHost, ledgerTools } from './ledger-tools.ts';
import { RequestLog } from './request-log.ts';

/** How the endpoint answers a request with a session id that it doesn't know. */
export type LostSessionDialect = keyof typeof lostSessionAnswers;

/** Stands for a body that is no JSON. */
const notJson = Symbol('not JSON');

const jsonRpcError = (code: number, message: string) =>
  JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null });

const lostSessionAnswers = {
  /** The TypeScript SDK's examples from 1.32, FastMCP (TypeScript), supergateway 4. */
  '404-json': { status: 404, type: 'application/json', body: jsonRpcError(-32001, 'Session not found') },
  /** Reverse proxies and servlet containers. */
  '404-empty': { status: 404, type: undefined, body: '' },
  /** The TypeScript SDK's examples until 1.31, so most of the servers there are. */
  '400-json': {
    status: 400,
    type: 'application/json',
    body: jsonRpcError(-32000, 'Bad Request: No valid session ID provided'),
  },
  /** The Python SDK 1.12.3 to 1.25.0: a body without a content type. */
  '400-text': { status: 400, type: undefined, body: 'Bad Request: No valid session ID provided' },
} as const;

export const lostSessionDialects = Object.keys(lostSessionAnswers) as LostSessionDialect[];

export interface LedgerEndpointOptions {
  /** Path of the ledger file. */
  readonly file: string;
  /** Loopback port. Default 0: any free one. */
  readonly port?: number;
  /** Default `404-json`. */
  readonly dialect?: LostSessionDialect;
  /** Path of a request log; none is written without it. */
  readonly requestLog?: string;
  /** Told what happens: `started k`, `appended k`. */
  readonly tell?: (event: string) => void;
}

/**
 * The ledger tools behind the SDK's own Streamable HTTP transport, in the shape in which most MCP servers are
 * written: a `Map` of transports in memory. So a restart forgets every session, which is the point.
 */
export class LedgerEndpoint {
  readonly #sessions = new Map<string, StreamableHTTPServerTransport>();
  readonly #options: LedgerEndpointOptions;
  readonly #host: LedgerHost;
  readonly #log: RequestLog | undefined;
  readonly #http: Server;

  private constructor(options: LedgerEndpointOptions) {
    this.#options = options;
    this.#host = { ledger: new Ledger(options.file), tell: options.tell ?? (() => {}), waits: new Map() };
    this.#log = options.requestLog === undefined ? undefined : new RequestLog(options.requestLog);
    this.#http = createServer((request, response) => {
      this.#serve(request, response).catch((error) => response.destroy(error));
    });
  }

  /**
   * Listens on 127.0.0.1.
   *
   * @throws Error with code `EADDRINUSE` when the port is taken.
   */
  static async start(options: LedgerEndpointOptions): Promise<LedgerEndpoint> {
    const endpoint = new LedgerEndpoint(options);
    endpoint.#http.listen(options.port ?? 0, '127.0.0.1');
    await once(endpoint.#http, 'listening');
    return endpoint;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/mcp`;
  }

  /** Sessions held now. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Stops listening and cuts every connection, as the end of a process does. */
  async close(): Promise<void> {
    for (const release of [...this.#host.waits.values()]) release();
    const closed = once(this.#http, 'close');
    this.#http.close();
    this.#http.closeAllConnections();
    await closed;
    for (const transport of [...this.#sessions.values()]) await transport.close();
    this.#host.ledger.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = request.method === 'POST' ? await json(request).catch(() => notJson) : undefined;
    if (body === notJson) return refuse(response, -32700, 'Parse error');
    const sessionId = header(request, 'mcp-session-id');
    this.#logRequest(request, response, body, sessionId !== undefined);
    const transport = sessionId === undefined ? undefined : this.#sessions.get(sessionId);
    if (transport) return transport.handleRequest(request, response, body);
    if (sessionId !== undefined) return refuseSession(response, this.#options.dialect ?? '404-json');
    if (isInitializeRequest(body)) return this.#open(request, response, body);
    refuse(response, -32000, 'Bad Request: No valid session ID provided');
  }

  async #open(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void> {
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        this.#sessions.set(id, transport);
      },
    });
    transport.onclose = () => {
      if (transport.sessionId !== undefined) this.#sessions.delete(transport.sessionId);
    };
    // The SDK's types say `onclose?: () => void` on one side and `(() => void) | undefined` on the other.
    await ledgerTools(this.#host).connect(
      transport as Parameters<ReturnType<typeof ledgerTools>['connect']>[0],
    );
    await transport.handleRequest(request, response, body);
  }

  #logRequest(request: IncomingMessage, response: ServerResponse, body: unknown, session: boolean): void {
    if (!this.#log) return;
    const message = (typeof body === 'object' && body !== null ? body : {}) as {
      method?: string;
      id?: string | number;
    };
    const answered = this.#log.arrived({
      method: request.method ?? '',
      rpc: message.method,
      id: message.id,
      session,
    });
    // The status is in the log before its first byte is on the wire, so that whoever has an answer finds it there.
    const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => ServerResponse;
    response.writeHead = (status: number, ...rest: unknown[]) => {
      answered(status);
      return writeHead(status, ...rest);
    };
  }
}

function refuseSession(response: ServerResponse, dialect: LostSessionDialect): void {
  const { status, type, body } = lostSessionAnswers[dialect];
  response.writeHead(status, type === undefined ? {} : { 'content-type': type });
  response.end(body);
}

function refuse(response: ServerResponse, code: number, message: string): void {
  response.writeHead(400, { 'content-type': 'application/json' });
  response.end(jsonRpcError(code, message));
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
