/**
 * The service that VS Code's default agent asks for its model, as far as the agent needs it, on a free port of 127.0.0.1.
 * The model in it is none: a message says in square brackets which tool it is to call, and with what.
 */
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The only model. The agent's own default has this name. */
export const MODEL = 'gpt-5.3-codex';

/** One item of a conversation, as the agent tells it (OpenAI, "Responses"). */
interface Item {
  readonly type?: string;
  readonly role?: string;
  readonly content?: string | readonly { readonly text?: string }[];
  readonly output?: unknown;
}

interface ResponsesRequest {
  readonly input?: readonly Item[];
  readonly tools?: readonly { readonly name?: string }[];
}

/** What the model was asked, and what it was told of a call. */
export interface Turn {
  /** The message of the person. */
  readonly message: string;
  /** The names of the tools that were offered. */
  readonly tools: readonly string[];
  /** What the last call has given; undefined before there was one. */
  readonly output: string | undefined;
}

export class FakeCopilot {
  readonly turns: Turn[] = [];
  /** Paths that were asked for. */
  readonly asked = new Set<string>();
  readonly #server: Server;
  readonly #events = new EventEmitter();
  /** What an answer waits for to a message that says so. */
  #held = Promise.withResolvers<void>();

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<FakeCopilot> {
    const fake = new FakeCopilot();
    fake.#server.listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The first turn, past or to come, that is as wanted. */
  async turn(wanted: (turn: Turn) => boolean, signal: AbortSignal): Promise<Turn> {
    for (;;) {
      const found = this.turns.find(wanted);
      if (found) return found;
      await once(this.#events, 'turn', { signal });
    }
  }

  /** Lets the model go on that was told to wait. */
  release(): void {
    this.#held.resolve();
    this.#held = Promise.withResolvers<void>();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', this.url);
    this.asked.add(`${request.method} ${pathname}`);
    const text = await bodyOf(request);
    if (pathname === '/responses') {
      return this.#respond(JSON.parse(text), response).catch(() => void response.destroy());
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answerTo(pathname, this.url)));
  }

  async #respond({ input = [], tools = [] }: ResponsesRequest, response: ServerResponse): Promise<void> {
    const names = tools.flatMap(({ name }) => name ?? []);
    const lastOfPerson = input.findLastIndex(
      ({ role, content }) => role === 'user' && WISH.test(textOf(content)),
    );
    const message = textOf(input[lastOfPerson]?.content);
    const output = input
      .slice(lastOfPerson + 1)
      .findLast(({ type }) => type === 'function_call_output')?.output;
    const turn = { message, tools: names, output: output === undefined ? undefined : outputText(output) };
    const [, pattern = '', args = '{}'] = WISH.exec(message) ?? [];
    const tool = names.find((name) => new RegExp(pattern).test(name));
    // A title for the conversation is asked for without any tools.
    const isCall = names.length > 0 && message !== '' && output === undefined && tool !== undefined;
    if (names.length > 0) {
      this.turns.push(turn);
      this.#events.emit('turn');
    }
    if (isCall && message.includes('[wait]')) await this.#held.promise;
    const words = output === undefined ? `There is no tool ${pattern}.` : `It says: ${turn.output}`;
    stream(response, isCall ? callOf(tool, args) : messageOf(names.length > 0 ? words : 'A title'));
  }
}

/** `[call <pattern of a tool's name> <arguments as JSON>]`. */
const WISH = /\[call (\S+) (\{.*?\})\]/;

function textOf(content: Item['content']): string {
  return typeof content === 'string' ? content : (content ?? []).map(({ text = '' }) => text).join('');
}

function outputText(output: unknown): string {
  return typeof output === 'string' ? output : JSON.stringify(output);
}

let calls = 0;

function callOf(name: string, args: string) {
  const id = `call_${++calls}`;
  const begun = {
    id: `fc_${id}`,
    type: 'function_call',
    status: 'in_progress',
    call_id: id,
    name,
    arguments: '',
  };
  const item = { ...begun, status: 'completed', arguments: args };
  const of = { item_id: begun.id, output_index: 0 };
  return {
    item,
    events: [
      { type: 'response.output_item.added', output_index: 0, item: begun },
      { type: 'response.function_call_arguments.delta', ...of, delta: args },
      { type: 'response.function_call_arguments.done', ...of, arguments: args },
      { type: 'response.output_item.done', output_index: 0, item },
    ],
  };
}

function messageOf(text: string) {
  const begun = {
    id: `msg_${++calls}`,
    type: 'message',
    role: 'assistant',
    status: 'in_progress',
    content: [],
  };
  const part = { type: 'output_text', text, annotations: [] };
  const item = { ...begun, status: 'completed', content: [part] };
  const of = { item_id: begun.id, output_index: 0, content_index: 0 };
  return {
    item,
    events: [
      { type: 'response.output_item.added', output_index: 0, item: begun },
      { type: 'response.content_part.added', ...of, part: { ...part, text: '' } },
      { type: 'response.output_text.delta', ...of, delta: text },
      { type: 'response.output_text.done', ...of, text },
      { type: 'response.content_part.done', ...of, part },
      { type: 'response.output_item.done', output_index: 0, item },
    ],
  };
}

function stream(
  response: ServerResponse,
  { item, events }: { item: object; events: readonly object[] },
): void {
  const empty = {
    id: `resp_${++calls}`,
    object: 'response',
    created_at: 0,
    model: MODEL,
    output: [],
    usage: null,
  };
  const usage = {
    input_tokens: 1,
    output_tokens: 1,
    total_tokens: 2,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens_details: { reasoning_tokens: 0 },
  };
  const whole = { ...empty, status: 'completed', output: [item], usage };
  const all: { type?: string }[] = [
    { type: 'response.created', response: { ...empty, status: 'in_progress' } } as object,
    ...events,
    { type: 'response.completed', response: whole } as object,
  ];
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  for (const [number, event] of all.entries()) {
    response.write(
      `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: number })}\n\n`,
    );
  }
  response.end();
}

const model = {
  id: MODEL,
  name: 'A model that is none',
  object: 'model',
  version: MODEL,
  vendor: 'OpenAI',
  model_picker_enabled: true,
  model_picker_category: 'powerful',
  is_chat_default: true,
  is_chat_fallback: true,
  preview: false,
  billing: { is_premium: false, multiplier: 0 },
  capabilities: {
    type: 'chat',
    family: MODEL,
    tokenizer: 'o200k_base',
    object: 'model_capabilities',
    limits: { max_prompt_tokens: 272_000, max_output_tokens: 128_000, max_context_window_tokens: 400_000 },
    supports: { streaming: true, tool_calls: true, parallel_tool_calls: true, vision: false },
  },
  policy: { state: 'enabled', terms: '' },
  supported_endpoints: ['/responses'],
};

/** What is asked besides, answered so that the agent goes on. */
function answerTo(path: string, url: string): unknown {
  if (path === '/models') return { data: [model], object: 'list' };
  if (path === '/models/session') {
    const session = { session_token: 'none', expires_at: 4_102_444_800, discounted_costs: {} };
    return { available_models: [MODEL], selected_model: MODEL, ...session };
  }
  if (path.endsWith('/policy')) return { state: 'accepted', terms: '' };
  if (path.startsWith('/models/')) return model;
  if (path.startsWith('/agents')) return { agents: [], sessions: [], data: [] };
  if (path.startsWith('/copilot_internal/')) {
    const token = { token: 'none', expires_at: 4_102_444_800, refresh_in: 1800, individual: true };
    return { ...token, login: 'nobody', copilot_plan: 'individual_pro', endpoints: { api: url, proxy: url } };
  }
  return {};
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
