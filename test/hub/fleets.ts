import { until } from '../../harness/until.ts';
import { systemClock } from '../../src/base/environment.ts';
import type { HttpServerConfig, ServerConfig } from '../../src/config/server-config.ts';
import type { HubFact } from '../../src/hub/facts.ts';
import { Hub, type HubOptions } from '../../src/hub/hub.ts';
import { configuredServer } from '../../src/hub/open/configured-server.ts';
import { type OpenTransport, transportOpener } from '../../src/hub/open/open-transport.ts';
import { OwnClient } from '../../src/hub/own-client.ts';
import type { ServerDefinition } from '../../src/hub/server-definition.ts';
import type { HubSnapshot, ServerSnapshot } from '../../src/hub/snapshot.ts';

export interface FleetOptions extends Omit<HubOptions, 'newOwnClient'> {
  readonly openTransport: OpenTransport;
}

/** A hub with a client of its own, that is told of servers by their configuration. */
export class Fleet extends Hub {
  readonly #open: OpenTransport;

  constructor({ openTransport, ...options }: FleetOptions) {
    const clientInfo = { name: 'fleet-test', version: '1.0.0' };
    super({ ...options, newOwnClient: (parts) => new OwnClient(clientInfo, parts) });
    this.#open = openTransport;
  }

  override apply(servers: readonly (ServerConfig | ServerDefinition)[]): void {
    super.apply(servers.map((each) => ('open' in each ? each : configuredServer(each, this.#open))));
  }
}

/** A fleet over real connections, with the means to wait for what it does. */
export function realFleet(options: Partial<FleetOptions> = {}): Fleet {
  return new Fleet({
    clock: systemClock,
    openTransport: transportOpener({}),
    closePatienceMs: 2000,
    ...options,
  });
}

export function config(name: string, url: string, headers: Record<string, string> = {}): HttpServerConfig {
  const replay = { default: 'hints', tools: {} } as const;
  return { name, type: 'http', url, headers, replay, shared: false, endSession: true };
}

/** Waits until the fleet is as wanted, now or after some change. */
export async function reaches(
  fleet: Fleet,
  wanted: (snapshot: HubSnapshot) => boolean,
): Promise<HubSnapshot> {
  const now = fleet.snapshot();
  return wanted(now)
    ? now
    : until((listener) => fleet.onDidChange(listener), wanted, { what: 'that state of the fleet' });
}

/** Waits until a server of the fleet is as wanted, and gives it. */
export async function reachesServer(
  fleet: Fleet,
  name: string,
  wanted: (server: ServerSnapshot) => boolean,
): Promise<ServerSnapshot> {
  const isIt = (server: ServerSnapshot) => server.name === name && wanted(server);
  const { servers } = await reaches(fleet, (snapshot) => snapshot.servers.some(isIt));
  const found = servers.find(isIt);
  if (!found) throw new Error(`${name} is not in the fleet`);
  return found;
}

export const isReady = ({ connection }: ServerSnapshot): boolean => connection.status === 'ready';
export const hasTools = ({ tools }: ServerSnapshot): boolean => tools !== undefined;

/** Waits for a fact that is told from now on. */
export function factOf(fleet: Fleet, kind: HubFact['fact']['kind'], server?: string): Promise<HubFact> {
  return until<HubFact>(
    (listener) => fleet.onFact(listener),
    (told) => told.fact.kind === kind && (server === undefined || told.server === server),
    { what: `the fact ${kind}` },
  );
}
