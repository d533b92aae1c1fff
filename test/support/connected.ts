import { Client, type ClientOptions } from '@modelcontextprotocol/sdk/client/index.js';
import { until } from '../../harness/until.ts';
import type { HealingTransport } from '../../src/client/healing-transport.ts';
import {
  type ConnectionSnapshot,
  type FactKind,
  type JournalEntry,
  ResilientTransport,
  type ResilientTransportOptions,
} from '../../src/client/index.ts';
import { codeOf } from './failure.ts';
import { textOf } from './sdk-client.ts';
import { unhurriedClock } from './unhurried-clock.ts';
import { onTheWay } from './way.ts';

/**
 * Short waits between attempts, so that a scenario takes no longer than its events; on a clock by which no short limit is
 * over because the machine is busy.
 */
export const quick: ResilientTransportOptions = {
  environment: { clock: unhurriedClock },
  recovery: { initialDelayMs: 5, maxDelayMs: 20, probeIntervalMs: 50 },
  reconnectionOptions: { initialReconnectionDelay: 5, maxReconnectionDelay: 20 },
  // A server of this machine is spoken to without fetch, and every server of these scenarios is one (over-fetch.ts).
  ...(process.env.SCENARIOS_OVER_FETCH && { fetch: (url, init) => fetch(url, init) }),
};

export interface ClientPreparation {
  readonly client?: ClientOptions;
  /** Called with the client before it connects: request handlers go here. */
  readonly prepare?: (client: Client) => void;
}

export interface ConnectOptions extends ResilientTransportOptions, ClientPreparation {
  /** Called with the transport before the client connects. */
  readonly seen?: (transport: ResilientTransport) => void;
}

/** The SDK's v1 client over the transport under test, with all that a scenario asks about. */
export interface Connected<T extends HealingTransport = ResilientTransport> extends AsyncDisposable {
  readonly client: Client;
  readonly transport: T;
  /** What was reported to `onerror`. */
  readonly errors: readonly Error[];
  /** Methods of the notifications the client got, in order. */
  readonly told: readonly string[];
  /** Waits until it has got so many. */
  heard(count: number): Promise<void>;
  /** Calls a tool of the scripted server under a key; gives its text, or the code of the error. */
  call(tool: string, key: string): Promise<string>;
  facts(kind: FactKind): readonly JournalEntry[];
  /** Waits for a fact, those already recorded included. */
  fact(kind: FactKind, count?: number): Promise<void>;
  /** Waits for a state, the present one included. */
  state(accepts: (snapshot: ConnectionSnapshot) => boolean): Promise<void>;
}

export async function connected(url: string, options: ConnectOptions = {}): Promise<Connected> {
  const { client: clientOptions, prepare, seen, ...given } = options;
  const transport = new ResilientTransport(url, {
    ...quick,
    ...given,
    recovery: { ...quick.recovery, ...given.recovery },
  });
  seen?.(transport);
  return connectedBy(transport, {
    ...(clientOptions && { client: clientOptions }),
    ...(prepare && { prepare }),
  });
}

/** The same over any transport that heals. */
export async function connectedBy<T extends HealingTransport>(
  transport: T,
  { client: clientOptions, prepare }: ClientPreparation = {},
): Promise<Connected<T>> {
  const client = new Client({ name: 'scenario', version: '1.0.0' }, clientOptions);
  const errors: Error[] = [];
  const told: string[] = [];
  client.onerror = (error) => errors.push(error);
  const listeners = new Set<(count: number) => void>();
  client.fallbackNotificationHandler = async ({ method }) => {
    const count = told.push(method);
    for (const listener of [...listeners]) listener(count);
  };
  prepare?.(client);
  await client.connect(await onTheWay(transport));
  const facts = (kind: FactKind) => transport.journal.entries.filter((entry) => entry.kind === kind);
  return {
    client,
    transport,
    errors,
    told,
    async heard(count) {
      if (told.length >= count) return;
      const subscribe = (listener: (now: number) => void) => {
        listeners.add(listener);
        return { dispose: () => listeners.delete(listener) };
      };
      await until<number>(subscribe, (now) => now >= count, { what: `notification number ${count}` });
    },
    facts,
    call: (tool, key) => client.callTool({ name: tool, arguments: { key } }).then(textOf, codeOf),
    async fact(kind, count = 1) {
      if (facts(kind).length >= count) return;
      const what = `the fact ${kind} number ${count}`;
      const isThere = () => facts(kind).length >= count;
      await until<JournalEntry>((listener) => transport.journal.subscribe(listener), isThere, { what });
    },
    async state(accepts) {
      if (accepts(transport.snapshot())) return;
      await until<ConnectionSnapshot>((listener) => transport.onDidChange(listener), accepts, {
        what: 'the state',
      });
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}
