import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ConnectionTransport } from '../session/connection-transport.ts';
import { type Environment, systemEnvironment } from '../session/environment.ts';
import type { HealingTransport } from '../session/healing-transport.ts';
import { secretsOf } from '../session/http/secrets.ts';
import type { HealingOptions } from '../session/options.ts';
import { SdkWireMaker } from '../session/sdk-wire.ts';
import type { SseServerConfig } from './server-config.ts';

/** A connection to a server that speaks the HTTP+SSE transport of MCP 2024-11-05. */
export function openSse(
  { url, headers }: SseServerConfig,
  environment: Partial<Environment> | undefined,
  options: HealingOptions,
): HealingTransport {
  const world = systemEnvironment(environment);
  // The SDK declares its transports without exactOptionalPropertyTypes, and its interface with it.
  const make = () =>
    new SSEClientTransport(new URL(url), { requestInit: { headers }, fetch: world.fetch }) as Transport;
  return new ConnectionTransport(new SdkWireMaker(make, secretsOf(new Headers(headers))), world, options);
}
