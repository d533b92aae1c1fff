import type { AnswerStream } from './answer-stream.ts';
import type { RequestRecord, RpcMessage } from './request.ts';

/** A tool of the scripted server. Every tool counts its runs by the argument `key`, and answers `ran <key>`. */
export interface ScriptedTool {
  readonly name: string;
  readonly description?: string;
  /** Default: an object with `key` and `bytes`. */
  readonly inputSchema?: Readonly<Record<string, unknown>>;
  readonly annotations?: { readonly readOnlyHint?: boolean; readonly idempotentHint?: boolean };
}

/** `count` may not be repeated, `peek` reads only, `put` is idempotent. */
const standardTools: readonly ScriptedTool[] = [
  { name: 'count' },
  { name: 'peek', annotations: { readOnlyHint: true } },
  { name: 'put', annotations: { idempotentHint: true } },
];

/** What a client can tell of the server by asking. A test changes it to play a new build after a restart. */
export interface ServerFace {
  name: string;
  version: string;
  instructions: string | undefined;
  capabilities: Record<string, unknown>;
  tools: readonly ScriptedTool[];
  /** Uris of its resources. */
  resources: readonly string[];
  /** Names of its prompts. */
  prompts: readonly string[];
  /** Revisions it speaks, newest first. */
  protocolVersions: readonly string[];
  /** How many items a page of a list holds; undefined: all. Cursors are good for one session only. */
  pageSize: number | undefined;
}

function standardFace(): ServerFace {
  return {
    name: 'scripted',
    version: '1.0.0',
    instructions: undefined,
    capabilities: {
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      prompts: { listChanged: true },
      logging: {},
    },
    tools: standardTools,
    resources: ['test://one', 'test://two'],
    prompts: ['greet'],
    protocolVersions: ['2025-11-25', '2025-06-18', '2025-03-26'],
    pageSize: undefined,
  };
}

/** One session as the server holds it. */
export interface ScriptedSession {
  /** Undefined when the server issues no ids. */
  readonly id: string | undefined;
  readonly protocolVersion: string;
  readonly clientInfo: unknown;
  readonly clientCapabilities: unknown;
  initialized: boolean;
  logLevel: string | undefined;
  readonly subscriptions: Set<string>;
  /** The standalone GET stream, once one was opened. */
  stream: AnswerStream | undefined;
  /** Ids of the requests it got and of those it sent. */
  readonly received: Set<string | number>;
  readonly sent: Set<string | number>;
}

/** The protocol part of the scripted server: what an admitted message does, and what it answers. No HTTP. */
export class ScriptedMcp {
  readonly face: ServerFace = standardFace();
  readonly runs = new Map<string, number>();
  /** What a client did that the protocol forbids, in words. A test may assert that it stays empty. */
  readonly violations: string[] = [];

  openSession(id: string | undefined, request: RequestRecord): ScriptedSession {
    const params = request.message?.params ?? {};
    const versions = this.face.protocolVersions;
    const wanted = versions.find((version) => version === params.protocolVersion);
    return {
      id,
      protocolVersion: wanted ?? versions[0] ?? '2025-11-25',
      clientInfo: params.clientInfo,
      clientCapabilities: params.capabilities,
      initialized: false,
      logLevel: undefined,
      subscriptions: new Set(),
      stream: undefined,
      received: new Set(request.id === undefined ? [] : [request.id]),
      sent: new Set(),
    };
  }

  /** Takes a notification, or a client's answer to a request of this server. */
  accept(request: RequestRecord, session: ScriptedSession): void {
    const params = request.message?.params ?? {};
    if (request.rpc === 'notifications/initialized') session.initialized = true;
    const cancelled = params.requestId as string | number | undefined;
    if (
      request.rpc === 'notifications/cancelled' &&
      cancelled !== undefined &&
      !session.received.has(cancelled)
    ) {
      this.violations.push(`cancelled request ${cancelled}, which this session never got`);
    }
    if (request.rpc === undefined && !session.sent.has(request.id ?? '')) {
      this.violations.push(`answered request ${request.id}, which this session did not send`);
    }
  }

  /** Runs a request of a session and gives the whole JSON-RPC response. */
  run(request: RequestRecord, session: ScriptedSession): RpcMessage {
    const answer = this.#answer(request, session);
    const id = request.id ?? 0;
    return 'error' in answer
      ? { jsonrpc: '2.0', id, error: answer.error }
      : { jsonrpc: '2.0', id, result: answer.result };
  }

  #answer(request: RequestRecord, session: ScriptedSession): Answer {
    if (request.rpc === 'initialize') return result(this.#initialize(session));
    const early = this.#checkOrder(request, session);
    if (early) return early;
    const params = request.message?.params ?? {};
    const uri = String(params.uri);
    switch (request.rpc) {
      case 'ping':
        return result({});
      case 'tools/list':
        return this.#page('tools', this.face.tools.map(toolListing), params.cursor, session);
      case 'tools/call':
        return this.#callTool(request, params);
      case 'resources/list':
        return this.#page(
          'resources',
          this.face.resources.map((each) => ({ uri: each, name: each })),
          params.cursor,
          session,
        );
      case 'resources/templates/list':
        return result({ resourceTemplates: [] });
      case 'resources/read':
        return result({ contents: [{ uri, text: `text of ${uri}` }] });
      case 'resources/subscribe':
        session.subscriptions.add(uri);
        return result({});
      case 'resources/unsubscribe':
        session.subscriptions.delete(uri);
        return result({});
      case 'prompts/get':
        return this.#getPrompt(String(params.name));
      case 'prompts/list':
        return this.#page(
          'prompts',
          this.face.prompts.map((name) => ({ name })),
          params.cursor,
          session,
        );
      case 'logging/setLevel':
        session.logLevel = String(params.level);
        return result({});
      default:
        return failure(-32601, 'Method not found');
    }
  }

  #initialize(session: ScriptedSession): object {
    const { name, version, instructions, capabilities } = this.face;
    return {
      protocolVersion: session.protocolVersion,
      serverInfo: { name, version },
      capabilities,
      ...(instructions === undefined ? {} : { instructions }),
    };
  }

  #checkOrder(request: RequestRecord, session: ScriptedSession): Answer | undefined {
    if (!session.initialized && request.rpc !== 'ping') {
      this.violations.push(`${request.rpc} came before notifications/initialized`);
      return failure(-32602, 'Received request before initialization was complete');
    }
    if (request.id !== undefined && session.received.has(request.id)) {
      this.violations.push(`request id ${request.id} was used twice in one session`);
    }
    if (request.id !== undefined) session.received.add(request.id);
    return undefined;
  }

  #callTool(request: RequestRecord, params: Record<string, unknown>): Answer {
    if (!this.face.tools.some((tool) => tool.name === request.tool)) {
      return failure(-32602, `Tool ${request.tool} not found`);
    }
    const key = request.key ?? `request ${request.id}`;
    this.runs.set(key, (this.runs.get(key) ?? 0) + 1);
    const bytes = Number((params.arguments as { bytes?: number } | undefined)?.bytes ?? 0);
    return result({ content: [{ type: 'text', text: `ran ${key}${'x'.repeat(bytes)}` }] });
  }

  #getPrompt(name: string): Answer {
    if (!this.face.prompts.includes(name)) return failure(-32602, `Prompt ${name} not found`);
    return result({ messages: [{ role: 'user', content: { type: 'text', text: `text of ${name}` } }] });
  }

  #page(list: string, items: readonly object[], cursor: unknown, session: ScriptedSession): Answer {
    const { pageSize } = this.face;
    const owner = `${session.id ?? 'stateless'}/`;
    if (cursor !== undefined && !String(cursor).startsWith(owner)) return failure(-32602, 'Invalid cursor');
    const from = cursor === undefined ? 0 : Number(String(cursor).slice(owner.length));
    const to = pageSize === undefined ? items.length : from + pageSize;
    const next = to < items.length ? { nextCursor: `${owner}${to}` } : {};
    return result({ [list]: items.slice(from, to), ...next });
  }
}

type Answer = { readonly result: unknown } | { readonly error: { code: number; message: string } };

const result = (value: unknown): Answer => ({ result: value });
const failure = (code: number, message: string): Answer => ({ error: { code, message } });

function toolListing(tool: ScriptedTool): object {
  const inputSchema = { type: 'object', properties: { key: { type: 'string' }, bytes: { type: 'integer' } } };
  return { inputSchema, ...tool };
}
