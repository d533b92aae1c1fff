import { until } from '../../harness/until.ts';
import { systemClock } from '../../src/base/environment.ts';
import type { HttpServerConfig } from '../../src/config/server-config.ts';
import type { FleetFact } from '../../src/hub/fact.ts';
import { Fleet, type FleetOptions } from '../../src/hub/fleet.ts';
import { transportOpener } from '../../src/hub/open/open-transport.ts';
import type { FleetSnapshot, ServerSnapshot } from '../../src/hub/snapshot.ts';

/** A fleet over real connections, with the means to wait for what it does. */
export function realFleet(options: Partial<FleetOptions> = {}): Fleet {
  return new Fleet({
    clock: systemClock,
    clientInfo: { name: 'fleet-test', version: '1.0.0' },
    openTransport: transportOpener({}),
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
  wanted: (snapshot: FleetSnapshot) => boolean,
): Promise<FleetSnapshot> {
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
export function factOf(fleet: Fleet, kind: FleetFact['fact']['kind'], server?: string): Promise<FleetFact> {
  return until<FleetFact>(
    (listener) => fleet.onFact(listener),
    (told) => told.fact.kind === kind && (server === undefined || told.server === server),
    { what: `the fact ${kind}` },
  );
}
