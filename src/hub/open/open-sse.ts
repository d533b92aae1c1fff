import { isLoopback } from '../../base/address-zones.ts';
import { type Clock, type Environment, systemEnvironment } from '../../base/environment.ts';
import type { ClosableClient, HttpClient } from '../../base/http-client.ts';
import { ConnectionTransport } from '../../client/connection-transport.ts';
import type { Fault, FaultKind } from '../../client/fault.ts';
import type { HealingTransport } from '../../client/healing-transport.ts';
import { DEFAULT_LIMITS, type HealingOptions } from '../../client/options.ts';
import { chooseClient } from '../../client/wire/http/choose-client.ts';
import { refused } from '../../client/wire/http/fault-hook.ts';
import { knockAt } from '../../client/wire/http/node/knock.ts';
import { SdkConnector } from '../../client/wire/sdk/sdk-wire.ts';
import { SseTransport } from '../../client/wire/sse/sse-transport.ts';
import type { SseServerConfig } from '../../config/server-config.ts';
import { secretsOf } from '../../protocol/http/secrets.ts';

/** A connection to a server with the HTTP+SSE transport of MCP 2024-11-05. */
export function openSse(
  config: SseServerConfig,
  environment: Partial<Environment> | undefined,
  options: HealingOptions,
): HealingTransport {
  return new SseConnection(config, environment ?? {}, options);
}

/** A connection whose session is an SSE stream. */
class SseConnection extends ConnectionTransport {
  readonly #clock: Clock;
  readonly #cut: () => void;
  readonly #refuse: (until: number) => void;
  readonly #http: ClosableClient;

  constructor(config: SseServerConfig, environment: Partial<Environment>, options: HealingOptions) {
    const world = systemEnvironment(environment);
    const { clock } = world;
    const http = chooseClient(new URL(config.url), environment);
    let refusedUntil = 0;
    let last: SseTransport | undefined;
    const reached: HttpClient = async (url, init) => {
      if (refusedUntil > 0 && clock.monotonic() < refusedUntil) throw refused();
      return http.send(url, init);
    };
    const make = () => {
      last = sseTransport(config, { http: reached, clock }, options.limits);
      return last;
    };
    const secrets = secretsOf(new Headers(config.headers));
    const target = new URL(config.url);
    const knock = isLoopback(target.hostname) ? knockAt(target) : undefined;
    super(new SdkConnector(make, { clock, secrets, origin: target.origin, knock }), world, options);
    this.#clock = clock;
    this.#http = http;
    this.#cut = () => last?.cut('terminated (simulated)');
    this.#refuse = (until) => {
      refusedUntil = until;
    };
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#http.close();
  }

  protected override get faultKinds(): readonly FaultKind[] {
    return ['cut', 'refuse'];
  }

  protected override inject(fault: Fault): void {
    if (fault.kind === 'refuse') this.#refuse(this.#clock.monotonic() + fault.forMs);
    this.#cut();
  }
}

/** An HTTP+SSE transport, not started. */
export function sseTransport(
  { url, headers }: Pick<SseServerConfig, 'url' | 'headers'>,
  way: { readonly http: HttpClient; readonly clock: Clock },
  limits: HealingOptions['limits'] = {},
): SseTransport {
  return new SseTransport({ ...way, url: new URL(url), headers, limits: { ...DEFAULT_LIMITS, ...limits } });
}
