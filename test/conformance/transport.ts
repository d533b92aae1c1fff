import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ResilientTransport } from '../../src/client/index.ts';

/** The transports that are compared: the SDK's own, and this project's. */
export const transportNames = ['sdk', 'resilient'] as const;
export type TransportName = (typeof transportNames)[number];

export interface TransportOptions {
  readonly authProvider?: OAuthClientProvider;
  readonly requestInit?: RequestInit;
}

export interface ClientTransport extends Transport {
  finishAuth(authorizationCode: string): Promise<void>;
}

/** The one place where the two runs differ. */
export function makeTransport(name: TransportName, url: URL, options: TransportOptions): ClientTransport {
  return name === 'sdk'
    ? // The SDK declares its transports without exactOptionalPropertyTypes, and its interface with it.
      (new StreamableHTTPClientTransport(url, options) as ClientTransport)
    : new ResilientTransport(url, options);
}
