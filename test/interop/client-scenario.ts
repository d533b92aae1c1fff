import { setTimeout as pause } from 'node:timers/promises';
import { Gateway } from '../../src/hub/gateway/index.ts';
import { callAtOnce } from './calls.ts';
import type { InteropClient } from './client.ts';
import { ClientProcess } from './client-process.ts';
import type { Arrangement, CaseName, CaseResult } from './record.ts';
import { OUTAGE_MS } from './scenario.ts';
import type { InteropServer } from './server.ts';
import { companion } from './servers/companion.ts';
import { Stage } from './stage.ts';

const CALL_LIMIT_MS = 45_000;
/** Alone, a client need not come back: how long it is waited for. */
const ALONE_LIMIT_MS = 10_000;

type Results = Readonly<Partial<Record<CaseName, CaseResult>>>;

interface Cast {
  readonly client: InteropClient;
  /** Where the client was installed. */
  readonly folder: string;
  /** Where its server was. */
  readonly upstreamFolder: string;
}

/**
 * What a client goes through. While the server is away it is called only through the gateway: without it there is nobody
 * whom a client could reach.
 */
export const clientArrangements: Readonly<Record<Arrangement, (cast: Cast) => Promise<Results>>> = {
  alone: async ({ client, folder, upstreamFolder }) => {
    await using stage = await Stage.set(client.upstream, upstreamFolder);
    return await visit({ stage, client, folder, limitMs: ALONE_LIMIT_MS }, 'alone', ['calls', 'restart']);
  },

  companion: async ({ client, folder }) => {
    await using stage = await Stage.set(companion, '');
    return await visit({ stage, client, folder, limitMs: CALL_LIMIT_MS }, 'companion', ['calls', 'restart']);
  },

  gateway: async ({ client, folder, upstreamFolder }) => {
    await using stage = await Stage.set(client.upstream, upstreamFolder);
    const gateway = new Gateway({ upstreams: { server: { url: stage.url } } });
    await gateway.start();
    try {
      const reached = { url: gateway.urlOf('server'), token: gateway.token };
      const acted = { stage, client, folder, limitMs: CALL_LIMIT_MS, ...reached };
      return await visit(acted, 'gateway', ['calls', 'restart', 'outage']);
    } finally {
      await gateway.close();
    }
  },
};

interface Acting {
  readonly stage: Stage;
  readonly client: InteropClient;
  readonly folder: string;
  readonly limitMs: number;
  /** Where the client goes. Default: to the stage. */
  readonly url?: string;
  readonly token?: string;
}

async function visit(acting: Acting, caller: Arrangement, names: readonly CaseName[]): Promise<Results> {
  const { stage, client, folder, limitMs, url = stage.url, token } = acting;
  await using running = await ClientProcess.start(client.command({ folder, url, token }));
  const results: Partial<Record<CaseName, CaseResult>> = {};
  for (const name of names) {
    const asked = { stage, caller, name, echoes: true, call: (key: string) => running.call(key, limitMs) };
    results[name] = await actIn(name, stage, (backAt) => callAtOnce({ ...asked, ...(backAt && { backAt }) }));
  }
  return results;
}

/** Does to the server what the case is about, and has the calls made in their time. */
async function actIn(
  name: CaseName,
  stage: Stage,
  called: (backAt?: Promise<number>) => Promise<CaseResult>,
): Promise<CaseResult> {
  if (name === 'calls') return called();
  await stage.kill();
  const back = Promise.withResolvers<number>();
  const calling = name === 'outage' ? called(back.promise) : undefined;
  if (calling) await pause(OUTAGE_MS);
  await stage.start();
  back.resolve(performance.now());
  return calling ?? called(back.promise);
}

/** The server that a client calls through the gateway, as its record names it. */
export const upstreamName = ({ package: packageName, version }: InteropServer) => `${packageName} ${version}`;
