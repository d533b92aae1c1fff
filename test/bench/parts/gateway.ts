import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../../harness/free-port.ts';
import { fromNpm, installed } from '../../interop/install.ts';
import type { Command } from '../../interop/server.ts';
import { ServerProcess } from '../../interop/server-process.ts';
import { scratchFolder } from '../../support/scratch.ts';
import type { Comparison, Contender } from '../harness.ts';
import type { Part } from '../part.ts';
import { Program } from '../program.ts';
import type { CallerProgram } from '../programs/caller.ts';
import type { GatewayProgram } from '../programs/gateway.ts';
import type { MapServer } from '../programs/map-server.ts';
import type { PipeProgram } from '../programs/pipe.ts';

const ONE_BY_ONE = { count: 100, inFlight: 1 };
const MANY = { count: 320, inFlight: 32 };
/** Calls with which each way is warmed up. */
const WARM_UP = { count: 1000, inFlight: 8 };

const cli = join(import.meta.dirname, '../../../src/cli/main.ts');

/** Programs of others that do what the bridge does, at the version that is measured. */
const peers = [
  {
    name: 'mcp-remote 0.15.1',
    package: 'mcp-remote@0.15.1',
    args: (folder: string, url: string) => [
      join(folder, 'node_modules/mcp-remote/dist/proxy.js'),
      ...[url, '--allow-http', '--transport', 'http-only'],
    ],
  },
  {
    name: 'supergateway 4.0.0',
    package: 'supergateway@4.0.0',
    args: (folder: string, url: string) => [
      join(folder, 'node_modules/supergateway/dist/index.js'),
      ...['--streamableHttp', url, '--logLevel', 'none'],
    ],
  },
];

const stdioServer = [process.execPath, join(import.meta.dirname, '../programs/stdio-server.ts')];

/** Programs that serve a program on stdio over HTTP, as the gateway does with one. */
const wrappers = [
  {
    name: 'supergateway 4.0.0',
    package: 'supergateway@4.0.0',
    args: (folder: string, port: number) => [
      join(folder, 'node_modules/supergateway/dist/index.js'),
      ...['--stdio', stdioServer.join(' '), '--outputTransport', 'streamableHttp', '--stateful'],
      ...['--port', String(port), '--logLevel', 'none'],
    ],
  },
  {
    name: 'mcp-proxy 6.7.19',
    package: 'mcp-proxy@6.7.19',
    args: (folder: string, port: number) => [
      join(folder, 'node_modules/mcp-proxy/dist/bin/mcp-proxy.mjs'),
      ...['--server', 'stream', '--port', String(port), '--host', '127.0.0.1', '--', ...stdioServer],
    ],
  },
];

type Ways = readonly { readonly name: string; readonly caller: Program<CallerProgram> }[];

/** The SDK's client at one server: directly, through the gateway, and through bridges; each a process of its own. */
export async function gatewayPart(): Promise<Part> {
  await using starting = new AsyncDisposableStack();
  const server = starting.use(await Program.start<MapServer>('map-server'));
  const url = await server.ask('url');
  const pipe = starting.use(await Program.start<PipeProgram>('pipe', { args: [url] }));
  const gateway = starting.use(await Program.start<GatewayProgram>('gateway', { args: [url] }));
  const way = async (name: string, ...args: string[]) => {
    const caller = starting.use(await Program.start<CallerProgram>('caller', { args }));
    await caller.ask('calls', WARM_UP);
    return { name, caller };
  };
  const direct = await way('directly', 'sdk', url);
  const overHttp = [
    direct,
    await way('through a proxy that pipes bytes', 'sdk', await pipe.ask('url')),
    await way('through the gateway', 'sdk', await gateway.ask('url')),
  ];
  const bridges = [direct, await way('resilient-mcp bridge', 'stdio', process.execPath, cli, 'bridge', url)];
  for (const peer of peers) {
    const folder = await installed(join('bench', peer.name.replace(' ', '-')), fromNpm([peer.package]));
    bridges.push(await way(peer.name, 'stdio', process.execPath, ...peer.args(folder, url)));
  }
  const ofStdio: { name: string; caller: Program<CallerProgram> }[] = [
    { ...direct, name: 'directly, the same server on HTTP' },
  ];
  for (const { name, command, path } of await wrapped(starting)) {
    const port = await freePort();
    const wrapper = starting.use(new ServerProcess(command(port), port));
    await wrapper.start();
    ofStdio.push(await way(name, 'sdk', `http://127.0.0.1:${port}${path}`));
  }
  const comparisons = [
    ...comparisonsOf('Gateway', 'a plain SDK client, over HTTP', overHttp),
    ...comparisonsOf('Gateway of a server on stdio', 'a plain SDK client, over HTTP', ofStdio),
    ...comparisonsOf('Bridge', 'a plain SDK client, over stdio', bridges),
  ];
  const running = starting.move();
  return { comparisons, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

interface Wrapper {
  readonly name: string;
  readonly command: (port: number) => Command;
  readonly path: string;
}

/** The gateway of the command line in front of a server on stdio, and the programs of others that do the same. */
async function wrapped(starting: AsyncDisposableStack): Promise<readonly Wrapper[]> {
  const folder = starting.use(scratchFolder());
  const [command, ...args] = stdioServer;
  writeFileSync(folder.file('mcp.json'), JSON.stringify({ mcpServers: { echo: { command, args } } }));
  const ours = [cli, 'gateway', '--config', folder.file('mcp.json'), '--no-token', '--port'];
  const found: Wrapper[] = [
    {
      name: 'resilient-mcp gateway',
      command: (port) => ({ program: process.execPath, args: [...ours, String(port)] }),
      path: '/echo/mcp',
    },
  ];
  for (const { name, package: packageName, args: argsOf } of wrappers) {
    const at = await installed(join('bench', name.replace(' ', '-')), fromNpm([packageName]));
    const commandOf = (port: number) => ({ program: process.execPath, args: argsOf(at, port) });
    found.push({ name, command: commandOf, path: '/mcp' });
  }
  return found;
}

function comparisonsOf(subject: string, who: string, ways: Ways): readonly Comparison[] {
  const latency = { unit: 'ms', better: 'lower' } as const;
  const contenders = (load: typeof MANY): readonly Contender[] =>
    ways.map(({ name, caller }) => ({ name, measure: () => caller.ask('calls', load) }));
  return [
    {
      title: `${subject}: one call at a time, ${who}`,
      figures: [
        { name: 'p50', words: 'p50 of a call', ...latency },
        { name: 'p95', words: 'p95 of a call', ...latency },
      ],
      contenders: contenders(ONE_BY_ONE),
    },
    {
      title: `${subject}: ${MANY.inFlight} calls in flight, ${who}`,
      figures: [{ name: 'perSecond', words: 'calls per second', unit: '/s', better: 'higher' }],
      contenders: contenders(MANY),
    },
  ];
}
