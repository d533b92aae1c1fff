import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ConnectionTransport } from '../session/connection-transport.ts';
import { type Environment, type Fetch, systemEnvironment } from '../session/environment.ts';
import type { HealingTransport } from '../session/healing-transport.ts';
import { secretsOf } from '../session/http/secrets.ts';
import type { HealingOptions } from '../session/options.ts';
import { SdkWireMaker } from '../session/sdk-wire.ts';
import type { SseServerConfig } from './server-config.ts';

/** A connection to a server that speaks the HTTP+SSE transport of MCP 2024-11-05. */
export function openSse(
  config: SseServerConfig,
  environment: Partial<Environment> | undefined,
  options: HealingOptions,
): HealingTransport {
  const world = systemEnvironment(environment);
  const make = () => sseTransport(config, world.fetch);
  return new ConnectionTransport(
    new SdkWireMaker(make, secretsOf(new Headers(config.headers))),
    world,
    options,
  );
}

/** The SDK's transport to such a server, not started. */
export function sseTransport(
  { url, headers }: Pick<SseServerConfig, 'url' | 'headers'>,
  fetch: Fetch,
): Transport {
  // The SDK declares its transports without exactOptionalPropertyTypes, and its interface with it.
  return new SSEClientTransport(new URL(url), { requestInit: { headers }, fetch }) as Transport;
}
