import { ConnectionTransport } from '../session/connection-transport.ts';
import { type Environment, type Fetch, systemEnvironment } from '../session/environment.ts';
import type { HealingTransport } from '../session/healing-transport.ts';
import { secretsOf } from '../session/http/secrets.ts';
import { DEFAULT_LIMITS, type HealingOptions } from '../session/options.ts';
import { SdkWireMaker } from '../session/sdk-wire.ts';
import type { SseServerConfig } from './server-config.ts';
import { SseTransport } from './sse-transport.ts';

/** A connection to a server that speaks the HTTP+SSE transport of MCP 2024-11-05. */
export function openSse(
  config: SseServerConfig,
  environment: Partial<Environment> | undefined,
  options: HealingOptions,
): HealingTransport {
  const world = systemEnvironment(environment);
  const { fetch, clock } = world;
  const make = () => sseTransport(config, fetch, options.limits);
  const secrets = secretsOf(new Headers(config.headers));
  return new ConnectionTransport(new SdkWireMaker(make, { clock, secrets }), world, options);
}

/** A transport to such a server, not started. */
export function sseTransport(
  { url, headers }: Pick<SseServerConfig, 'url' | 'headers'>,
  fetch: Fetch,
  limits: HealingOptions['limits'] = {},
): SseTransport {
  return new SseTransport({ url: new URL(url), headers, fetch, limits: { ...DEFAULT_LIMITS, ...limits } });
}
