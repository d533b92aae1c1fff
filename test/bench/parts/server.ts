import { randomBytes } from 'node:crypto';
import type { Comparison, Contender } from '../harness.ts';
import type { Part } from '../part.ts';
import { Program } from '../program.ts';
import type { LoadProgram } from '../programs/load.ts';
import type { MapServer } from '../programs/map-server.ts';
import { hibernationComparison } from './hibernation.ts';

/** Calls of one round, and those that warm a server up before. */
const MANY = { count: 500, inFlight: 32 };
const WARM_UP_CALLS = { count: 2000, inFlight: 32 };
/** Sessions that are opened in one round of their own server process, after those that warm it up. */
const SESSIONS = { count: 5000, inFlight: 8 };
const WARM_UP = { count: 300, inFlight: 8 };
/** On a machine that has other things to do, opening so many sessions takes its time, in ms. */
const LOAD_LIMIT_MS = 300_000;
/** Sessions of one round that are brought back, or opened anew, one after the other. */
const RETURNING = 30;

/** How a server is started; the first is the baseline. */
const servers = {
  mapOnExpress: { name: "SDK's Map of transports, on Express", program: 'map-server', args: [] },
  mapOnNode: { name: "SDK's Map of transports, on node:http", program: 'map-server', args: ['node'] },
  managerOnExpress: { name: 'SessionManager, on Express', program: 'manager-server', args: ['--express'] },
  manager: { name: 'SessionManager, on node:http', program: 'manager-server', args: [] },
  frugalManager: {
    name: 'SessionManager, with servers that make their validator on demand',
    program: 'manager-server',
    args: ['--validator-on-demand'],
  },
} as const;

type ServerKind = keyof typeof servers;
/** Those that are started once, for many rounds. */
type Long = Exclude<ServerKind, 'frugalManager'>;

/** All that is asked of either program. */
type Server = Program<Pick<MapServer, 'url' | 'heap' | 'cpu'>>;

interface Running {
  readonly server: Server;
  readonly url: string;
}

type Load = Program<LoadProgram>;

/** Servers under one source of load, each in a process of its own. */
export async function serverPart(): Promise<Part> {
  await using starting = new AsyncDisposableStack();
  const load = starting.use(await Program.start<LoadProgram>('load', { limitMs: LOAD_LIMIT_MS }));
  await warmUp(load);
  const run = async (kind: ServerKind) => running(starting.use(await start(kind)));
  const mapOnExpress = await run('mapOnExpress');
  const mapOnNode = await run('mapOnNode');
  const managerOnExpress = await run('managerOnExpress');
  const manager = await run('manager');
  const successor = await run('manager');
  const comparisons = [
    await requestComparison(load, { mapOnExpress, mapOnNode, managerOnExpress, manager }),
    returningComparison(load, { mapOnExpress, manager, successor }),
    sessionComparison(load),
    hibernationComparison(load),
  ];
  const started = starting.move();
  return { comparisons, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

/** Ids that one process has signed with it are good in the next. */
const env = { RESILIENT_MCP_SESSION_KEY: randomBytes(32).toString('base64') };

function start(kind: ServerKind): Promise<Server> {
  const { program, args } = servers[kind];
  return Program.start(program, { args, env, nodeArgs: ['--expose-gc'] });
}

async function running(server: Server): Promise<Running> {
  return { server, url: await server.ask('url') };
}

/**
 * Has the source of load compiled before anything is measured. A server whose first calls come slowly stays slower, by
 * up to a fifth: the first contender would be at a disadvantage in all rounds.
 */
async function warmUp(load: Load): Promise<void> {
  await using server = await start('mapOnNode');
  await warmUpServer(load, await running(server));
}

async function warmUpServer(load: Load, { url }: Running): Promise<readonly string[]> {
  const { ids } = await load.ask('open', { url, count: MANY.inFlight, inFlight: 1 });
  await load.ask('calls', { url, ids, ...WARM_UP_CALLS });
  return ids;
}

/** Does something, and gives the processor time that the server took for each of `count` pieces of it, in ms. */
async function withCpu<T extends object>(server: Server, count: number, work: () => Promise<T>) {
  const before = await server.ask('cpu');
  const result = await work();
  return { ...result, cpu: ((await server.ask('cpu')) - before) / count };
}

async function requestComparison(load: Load, targets: Readonly<Record<Long, Running>>): Promise<Comparison> {
  const contenderOf = async (kind: Long): Promise<Contender> => {
    const { server, url } = targets[kind];
    const ids = await warmUpServer(load, targets[kind]);
    const measure = () => withCpu(server, MANY.count, () => load.ask('calls', { url, ids, ...MANY }));
    return { name: servers[kind].name, measure };
  };
  return {
    title: `Server: ${MANY.inFlight} requests in flight`,
    figures: [
      { name: 'perSecond', words: 'requests per second', unit: '/s', better: 'higher' },
      { name: 'cpu', words: "the server's processor time for a request", unit: 'ms', better: 'lower' },
    ],
    contenders: [
      await contenderOf('mapOnExpress'),
      await contenderOf('mapOnNode'),
      await contenderOf('managerOnExpress'),
      await contenderOf('manager'),
    ],
  };
}

/** A new process for each measurement, so that the heap holds nothing of earlier ones. */
function sessionComparison(load: Load): Comparison {
  const contenderOf = (kind: ServerKind): Contender => ({
    name: servers[kind].name,
    async measure() {
      await using server = await start(kind);
      const url = await server.ask('url');
      await load.ask('open', { url, ...WARM_UP });
      const before = await server.ask('heap');
      const opened = await withCpu(server, SESSIONS.count, () => load.ask('open', { url, ...SESSIONS }));
      const heap = ((await server.ask('heap')) - before) / SESSIONS.count / 1024;
      return { perSecond: opened.perSecond, cpu: opened.cpu, heap };
    },
  });
  return {
    title: `Server: ${SESSIONS.count} sessions`,
    startsAfresh: true,
    figures: [
      { name: 'perSecond', words: 'sessions opened per second', unit: '/s', better: 'higher' },
      { name: 'cpu', words: "the server's processor time for a session", unit: 'ms', better: 'lower' },
      { name: 'heap', words: 'heap of a session', unit: 'KiB', better: 'lower' },
    ],
    contenders: [contenderOf('mapOnExpress'), contenderOf('manager'), contenderOf('frugalManager')],
  };
}

/**
 * What a client pays for a restart. At the Map pattern it has to open a new session; at the manager its old one is
 * brought back by the first call.
 */
function returningComparison(
  load: Load,
  targets: Readonly<Record<'mapOnExpress' | 'manager' | 'successor', Running>>,
): Comparison {
  const reopen = ({ url }: Running) => load.ask('openAndCall', { url, count: RETURNING });
  const call = async ({ url }: Running) => {
    const atFirst = { url: targets.manager.url, count: RETURNING, inFlight: 1 };
    const { ids } = await load.ask('open', atFirst);
    return load.ask('callOnceEach', { url, ids });
  };
  const { mapOnExpress, manager, successor } = targets;
  return {
    title: 'Server: the first answer after a restart',
    figures: [{ name: 'p50', words: 'to the first answer', unit: 'ms', better: 'lower' }],
    contenders: [
      { name: "SDK's Map: initialize, initialized, call", measure: () => reopen(mapOnExpress) },
      { name: 'SessionManager: initialize, initialized, call', measure: () => reopen(manager) },
      { name: 'SessionManager: a call that brings its session back', measure: () => call(successor) },
      { name: 'SessionManager: a call in a session that is held', measure: () => call(manager) },
    ],
  };
}
