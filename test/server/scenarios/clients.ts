import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';

/** An unmodified client of the SDK, which answers what servers ask it. It has no means to recover a session. */
export interface AnyClient extends AsyncDisposable {
  readonly sessionId: string | undefined;
  /** Calls a tool, and gives what it said. Rejects when the call fails. */
  call(tool: string, args?: Record<string, unknown>, signal?: AbortSignal): Promise<unknown>;
  setLevel(level: 'debug' | 'info' | 'error'): Promise<unknown>;
  subscribe(uri: string): Promise<unknown>;
  /** DELETE. */
  end(): Promise<void>;
  /** What was logged to it. */
  readonly logged: readonly unknown[];
}

export interface ClientOptions {
  readonly headers?: Record<string, string>;
  /** Gives the answer to what is asked; called at each elicitation. */
  readonly answer?: (message: string) => string | Promise<string>;
  readonly fetch?: typeof fetch;
  /** Makes the handshake larger than a session id may be. */
  readonly padding?: number;
}

const capabilities = { elicitation: { form: {} }, sampling: {}, roots: {} };

function answers({ answer = (message) => `yes, ${message}` }: ClientOptions) {
  return {
    elicit: async (message: string) => ({
      action: 'accept' as const,
      content: { answer: await answer(message) },
    }),
    sample: { model: 'm', role: 'assistant' as const, content: { type: 'text' as const, text: 'sampled' } },
  };
}

function saidBy(result: unknown): unknown {
  const { content, isError } = result as { content: { text: string }[]; isError?: boolean };
  const text = content[0]?.text ?? '';
  if (isError) throw new Error(text);
  return JSON.parse(text);
}

/** By default they give up after two attempts within some seconds; a busy machine takes longer to start a process. */
const reconnectionOptions = {
  initialReconnectionDelay: 200,
  maxReconnectionDelay: 1000,
  reconnectionDelayGrowFactor: 1.5,
  maxRetries: 100,
};

/** Each with the name under which it stands in a test. */
export const clients: Readonly<Record<string, (url: string, options?: ClientOptions) => Promise<AnyClient>>> =
  {
    'SDK v1': async (url, options = {}) => {
      const { headers = {}, padding = 0 } = options;
      const transport = new StreamableHTTPClientTransport(new URL(url), {
        requestInit: { headers },
        reconnectionOptions,
        ...(options.fetch && { fetch: options.fetch }),
      });
      const client = new Client(
        { name: 'v1', version: '1.0.0' },
        { capabilities: { ...capabilities, experimental: { padding: { text: 'x'.repeat(padding) } } } },
      );
      const { elicit, sample } = answers(options);
      const logged: unknown[] = [];
      client.setRequestHandler(ElicitRequestSchema, ({ params }) => elicit(params.message));
      client.setRequestHandler(CreateMessageRequestSchema, () => sample);
      client.fallbackNotificationHandler = async ({ params }) => void logged.push(params?.data);
      await client.connect(transport as Parameters<Client['connect']>[0]);
      return {
        get sessionId() {
          return transport.sessionId;
        },
        call: async (name, args = {}, signal) =>
          saidBy(await client.callTool({ name, arguments: args }, undefined, signal ? { signal } : {})),
        setLevel: (level) => client.setLoggingLevel(level),
        subscribe: (uri) => client.subscribeResource({ uri }),
        end: () => transport.terminateSession(),
        logged,
        [Symbol.asyncDispose]: () => client.close(),
      };
    },
    'SDK v2': async (url, options = {}) => {
      const { headers = {}, padding = 0 } = options;
      const transport = new TransportV2(new URL(url), {
        requestInit: { headers },
        reconnectionOptions,
        ...(options.fetch && { fetch: options.fetch }),
      });
      const client = new ClientV2(
        { name: 'v2', version: '2.0.0' },
        { capabilities: { ...capabilities, experimental: { padding: { text: 'x'.repeat(padding) } } } },
      );
      const { elicit, sample } = answers(options);
      const logged: unknown[] = [];
      client.setRequestHandler('elicitation/create', ({ params }) => elicit(params.message));
      client.setRequestHandler('sampling/createMessage', () => sample);
      client.fallbackNotificationHandler = async ({ params }) => void logged.push(params?.data);
      await client.connect(transport);
      return {
        get sessionId() {
          return transport.sessionId;
        },
        call: async (name, args = {}, signal) =>
          saidBy(await client.callTool({ name, arguments: args }, signal ? { signal } : {})),
        setLevel: (level) => client.setLoggingLevel(level),
        subscribe: (uri) => client.subscribeResource({ uri }),
        end: () => transport.terminateSession(),
        logged,
        [Symbol.asyncDispose]: () => client.close(),
      };
    },
  };
