/**
 * `npm run test:left-behind -- [--clients 10000]`: so many clients, one after the other, that never say goodbye, at a
 * server under the companion and at a gateway. Exit code 0 only if every one of them is served, and the heap after the
 * last tenth is within a tenth, and 4 MiB, of the heap after the third.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { Gateway } from '../../src/hub/gateway/index.ts';
import { nodeListener, SessionManager } from '../../src/server/index.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { Wire } from '../support/wire.ts';

const SERVER = 'server';

/** How one of the two is met, and how many sessions it holds. */
interface Endpoint {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tool: string;
  sessions(): number;
  close(): Promise<void>;
}

/** A client that goes without a word. */
class Leaver extends Wire {
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ url, headers }: Endpoint) {
    super(url);
    this.#headers = headers;
  }

  override fetch(method: string, body?: object, headers: Record<string, string> = {}): Promise<Response> {
    return super.fetch(method, body, { ...this.#headers, ...headers });
  }

  /** @returns whether its call was answered */
  async asks(tool: string): Promise<boolean> {
    const answer = await this.call('a', tool);
    return answer.ok && (await answer.text()).includes('"result"');
  }
}

if (process.argv[2] === SERVER) await serve();
else process.exitCode = (await main()) ? 0 : 1;

async function serve(): Promise<void> {
  const server = await ScriptedServer.start();
  process.once('disconnect', () => process.exit());
  process.send?.(server.url);
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({ options: { clients: { type: 'string', default: '10000' } } });
  const clients = Number(values.clients);
  if (!Number.isInteger(clients) || clients < 5000) {
    console.error(`test:left-behind: --clients is a whole number from 5000 on, not "${values.clients}"`);
    return false;
  }
  const isFine = [await leave('companion', await companion(), clients)];
  const upstream = fork(import.meta.filename, [SERVER]);
  const [url] = (await once(upstream, 'message')) as [string];
  isFine.push(await leave('gateway', await gateway(url), clients));
  upstream.disconnect();
  return isFine.every(Boolean);
}

async function companion(): Promise<Endpoint> {
  const factory = () => {
    const server = new McpServer({ name: 'companion', version: '1.0.0' });
    server.registerTool('peek', {}, () => ({ content: [] }));
    return server;
  };
  const manager = new SessionManager(factory, { key: 'the key of this run, of 32 characters or more' });
  const http = createServer(nodeListener(manager));
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    headers: {},
    tool: 'peek',
    sessions: () => manager.sessions,
    async close() {
      await manager.close();
      http.close();
      http.closeAllConnections();
    },
  };
}

async function gateway(url: string): Promise<Endpoint> {
  const opened = new Gateway({ upstreams: { one: { url } } });
  await opened.start();
  return {
    url: opened.urlOf('one'),
    headers: { authorization: `Bearer ${opened.token}` },
    tool: 'peek',
    sessions: () => opened.sessions,
    close: () => opened.close(),
  };
}

async function leave(name: string, endpoint: Endpoint, clients: number): Promise<boolean> {
  const first = await new Leaver(endpoint).open();
  const heaps: number[] = [];
  let refused = 0;
  for (let done = 1; done <= clients; done++) {
    const client = await new Leaver(endpoint).open();
    if (client.sessionId === undefined || !(await client.asks(endpoint.tool))) refused += 1;
    if (done % (clients / 10) < 1) heaps.push(report(name, done, endpoint.sessions()));
  }
  const isNextServed = await (await new Leaver(endpoint).open()).asks(endpoint.tool);
  const isFirstServed = await first.asks(endpoint.tool);
  await endpoint.close();
  const settled = heaps[2] ?? 0;
  const isFlat = (heaps.at(-1) ?? 0) - settled < Math.max(settled / 10, 4 * 2 ** 20);
  const told = [
    `${clients} clients, refused ${refused}`,
    `the next one ${isNextServed ? 'served' : 'REFUSED'}`,
    `the first one again ${isFirstServed ? 'served' : 'REFUSED'}`,
    `heap ${isFlat ? 'flat' : 'GROWING'}`,
  ];
  console.log(`${name}: ${told.join(', ')}`);
  return refused === 0 && isNextServed && isFirstServed && isFlat;
}

function report(name: string, done: number, sessions: number): number {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  const [heap, resident] = [heapUsed, rss].map((bytes) => (bytes / 2 ** 20).toFixed(1));
  console.log(`${name}, ${done} clients: ${sessions} sessions, heap ${heap} MiB, resident ${resident} MiB`);
  return heapUsed;
}
