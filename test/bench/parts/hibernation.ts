import type { Comparison } from '../harness.ts';
import { Program } from '../program.ts';
import type { LoadProgram } from '../programs/load.ts';
import type { ManagerServer } from '../programs/manager-server.ts';
import type { MapServer } from '../programs/map-server.ts';

const SESSIONS = { count: 5000, inFlight: 8 };
const WARM_UP = { count: 300, inFlight: 8 };
/** Sessions of one round that are called once each, one after the other. */
const CALLED = 100;
/** Idleness after which sessions hibernate, in ms. */
const HIBERNATE_AFTER_MS = 500;

/**
 * What a session costs that nobody uses at the moment, and what the next call in it costs. Each measurement has a new
 * process, so that the heap holds nothing of earlier ones.
 */
export function hibernationComparison(load: Program<LoadProgram>): Comparison {
  const measured = async (
    server: Program<Pick<ManagerServer, 'url' | 'heap'>>,
    rest: () => Promise<void>,
  ) => {
    const url = await server.ask('url');
    await load.ask('open', { url, ...WARM_UP });
    await rest();
    const before = await server.ask('heap');
    const { ids } = await load.ask('open', { url, ...SESSIONS });
    await rest();
    const heap = ((await server.ask('heap')) - before) / SESSIONS.count / 1024;
    const { p50 } = await load.ask('callOnceEach', { url, ids: ids.slice(0, CALLED) });
    return { heap, p50 };
  };
  const nodeArgs = ['--expose-gc'];
  const held = async () => {};
  return {
    title: `Server: ${SESSIONS.count} idle sessions`,
    startsAfresh: true,
    figures: [
      { name: 'heap', words: 'heap of an idle session', unit: 'KiB', better: 'lower' },
      { name: 'p50', words: 'the next call in it', unit: 'ms', better: 'lower' },
    ],
    contenders: [
      {
        name: "SDK's Map of transports, on Express",
        async measure() {
          await using server = await Program.start<MapServer>('map-server', { nodeArgs });
          return await measured(server, held);
        },
      },
      {
        name: 'SessionManager, held',
        async measure() {
          await using server = await Program.start<ManagerServer>('manager-server', { nodeArgs });
          return await measured(server, held);
        },
      },
      {
        name: 'SessionManager, hibernated',
        async measure() {
          const args = ['--hibernate-after-ms', String(HIBERNATE_AFTER_MS)];
          await using server = await Program.start<ManagerServer>('manager-server', { nodeArgs, args });
          return await measured(server, () => server.ask('asleep'));
        },
      },
    ],
  };
}
