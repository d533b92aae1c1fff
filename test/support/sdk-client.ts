import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

/** The SDK's client over the SDK's own transport: what the project's transport is measured against. */
export interface PlainClient extends AsyncDisposable {
  readonly client: Client;
  readonly transport: StreamableHTTPClientTransport;
  /** Calls a tool and gives the text of its answer. */
  call(tool: string, args?: Record<string, unknown>): Promise<string>;
}

/** Connects a plain SDK client to an endpoint. */
export async function plainClient(url: string, requestInit?: RequestInit): Promise<PlainClient> {
  const transport = new StreamableHTTPClientTransport(new URL(url), requestInit ? { requestInit } : {});
  const client = new Client({ name: 'plain', version: '1.0.0' });
  // The SDK declares its transports without exactOptionalPropertyTypes, and its interface with it.
  await client.connect(transport as Parameters<Client['connect']>[0]);
  return {
    client,
    transport,
    call: async (tool, args = {}) => textOf(await client.callTool({ name: tool, arguments: args })),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** The text of a tool's answer. */
export function textOf(result: unknown): string {
  const { content } = result as { content?: { type: string; text?: string }[] };
  return (content ?? []).map((part) => part.text ?? `[${part.type}]`).join('');
}
