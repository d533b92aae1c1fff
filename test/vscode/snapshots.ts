import type { FleetSnapshot, ServerSnapshot } from '../../src/fleet/snapshot.ts';
import type { ConnectionSnapshot } from '../../src/session/snapshot.ts';

/** The moment at which the views of these tests are drawn. */
export const NOW = Date.UTC(2026, 10, 22, 12);

/** A connection that has been ready for five minutes, on its first session. */
export function connection(overrides: Partial<ConnectionSnapshot> = {}): ConnectionSnapshot {
  return {
    status: 'ready',
    since: NOW - 300_000,
    generation: 1,
    sessionOpenedAt: NOW - 300_000,
    sessionLabel: 'abcdefgh…',
    stateless: false,
    protocolVersion: '2025-11-25',
    server: { name: 'everything', version: '1.0.0' },
    recoveries: 0,
    replays: 0,
    lastRecovery: undefined,
    attempt: 0,
    nextAttemptAt: undefined,
    trouble: undefined,
    ...overrides,
  };
}

/** A connection that never held a session. */
export function unopened(overrides: Partial<ConnectionSnapshot> = {}): ConnectionSnapshot {
  const none = { generation: 0, sessionOpenedAt: undefined, sessionLabel: undefined, server: undefined };
  return connection({ status: 'connecting', protocolVersion: undefined, ...none, ...overrides });
}

export function server(name: string, overrides: Partial<ConnectionSnapshot> = {}): ServerSnapshot {
  const target = 'http://localhost:3000/mcp';
  return {
    name,
    type: 'http',
    target,
    connection: connection(overrides),
    onDemand: false,
    clients: [],
    tools: 12,
    resources: 0,
    prompts: 0,
  };
}

/** A server that is started by its first client, with the connections of these clients. */
export function onDemand(name: string, ...clients: readonly ConnectionSnapshot[]): ServerSnapshot {
  return {
    ...server(name, { status: 'idle', generation: 0, sessionOpenedAt: undefined }),
    type: 'stdio',
    target: 'npx',
    onDemand: true,
    clients: clients.map((each, index) => ({ client: index + 1, connection: each })),
  };
}

export function fleet(...servers: readonly ServerSnapshot[]): FleetSnapshot {
  return { at: NOW, servers };
}
