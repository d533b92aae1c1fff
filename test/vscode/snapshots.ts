import type { LatencySummary } from '../../src/client/observe/metrics.ts';
import type { ConnectionSnapshot } from '../../src/client/observe/snapshot.ts';
import type { HubSnapshot, ServerSnapshot } from '../../src/hub/snapshot.ts';

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
    failure: undefined,
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
    isOwn: true,
    onDemand: false,
    paused: false,
    clients: [],
    tools: 12,
    resources: 0,
    prompts: 0,
    refused: [],
    latency: NONE_MEASURED,
  };
}

/** No request was answered yet. */
const NONE_MEASURED: LatencySummary = {
  count: 0,
  p50Ms: undefined,
  p95Ms: undefined,
  p99Ms: undefined,
  maxMs: undefined,
};

/** A server that is paused. */
export function paused(name: string): ServerSnapshot {
  return {
    ...server(name, { status: 'paused', sessionOpenedAt: undefined, sessionLabel: undefined }),
    paused: true,
  };
}

/** A server that is started by its first client, with the connections of these clients. */
export function onDemand(name: string, ...clients: readonly ConnectionSnapshot[]): ServerSnapshot {
  return {
    ...server(name, { status: 'idle', generation: 0, sessionOpenedAt: undefined }),
    type: 'stdio',
    target: 'npx',
    isOwn: clients.length === 0,
    onDemand: true,
    clients: clients.map((each, index) => ({ client: index + 1, connection: each })),
  };
}

export function fleet(...servers: readonly ServerSnapshot[]): HubSnapshot {
  return { at: NOW, servers };
}
