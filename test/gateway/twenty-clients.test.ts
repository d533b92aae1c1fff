import assert from 'node:assert/strict';
import { freePort } from '../../harness/free-port.ts';
import { readLedger } from '../../harness/ledger.ts';
import { lostSessionDialects } from '../../harness/ledger-endpoint.ts';
import { ledgerServer } from '../../harness/programs.ts';
import { SupervisedServer } from '../../harness/supervised-server.ts';
import { Gateway, type GatewayUpstream } from '../../src/hub/gateway/index.ts';
import { type Seeded, seeded } from '../chaos/seeded.ts';
import { quick } from '../support/connected.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { type Plain, plain } from './gateways.ts';

const CLIENTS = 20;
const CALLS = 30;
/** So many calls, of all clients together, between two kills. */
const KILLS = [30, 90] as const;

interface Arena {
  readonly name: string;
  readonly file: string;
  readonly server: SupervisedServer;
  readonly upstream: GatewayUpstream;
}

async function arena(scratch: ScratchFolder, index: number): Promise<Arena> {
  const name = `server ${index}`;
  const file = scratch.file(`${index}.jsonl`);
  const dialect = lostSessionDialects[index % lostSessionDialects.length];
  const server = await SupervisedServer.start(
    ledgerServer({ port: await freePort(), file, ...(dialect && { dialect }) }),
  );
  const recovery = { ...quick.recovery, budget: 1000 };
  // The last one is shared by all of its clients.
  const upstream = { ...quick, recovery, url: server.url, shared: index === 2, patienceMs: 60_000 };
  return { name, file, server, upstream };
}

/** Kills servers between calls, drawn from a seed: which one, and after how many calls. */
class Killer {
  readonly #random: Seeded;
  readonly #arenas: readonly Arena[];
  #striking = Promise.resolve();
  #settled = 0;
  #next: number;
  kills = 0;

  constructor(random: Seeded, arenas: readonly Arena[]) {
    this.#random = random;
    this.#arenas = arenas;
    this.#next = random.between(...KILLS);
  }

  settled(): void {
    this.#settled += 1;
    if (this.#settled < this.#next) return;
    this.#next += this.#random.between(...KILLS);
    const victim = this.#arenas[this.#random.between(0, this.#arenas.length - 1)];
    this.#striking = this.#striking.then(() => victim?.server.restart());
    this.kills += 1;
  }

  done(): Promise<void> {
    return this.#striking;
  }
}

describe(`${CLIENTS} clients on one gateway`, () => {
  const seed = Math.floor(Math.random() * 2 ** 31);

  it(`whose servers are killed at random (seed ${seed}): no cross-talk, nothing lost, nothing twice`, async () => {
    using scratch = scratchFolder();
    const arenas = await Promise.all([0, 1, 2].map((index) => arena(scratch, index)));
    const upstreams = Object.fromEntries(arenas.map(({ name, upstream }) => [name, upstream]));
    const gateway = new Gateway({ upstreams });
    await gateway.start();
    const authorization = { authorization: `Bearer ${gateway.token}` };
    const connect = (name: string): Promise<Plain> => plain({ url: gateway.urlOf(name), authorization });
    const random = seeded(seed);
    const killer = new Killer(random, arenas);
    /** What came of each entry, what was said of those that are not there, and of those that are. */
    const appended = new Map<string, string>();
    const missing: string[] = [];
    const found: [string, string | undefined][] = [];
    const use = async (index: number) => {
      const { name } = arenas[index % arenas.length] ?? assert.fail();
      let client = await connect(name);
      const { sessionId } = client.transport;
      await client.client.listTools();
      for (let count = 0; count < CALLS; count += 1) {
        const entry = `${name}, client ${index}, call ${count}`;
        // One call in three only reads: it is never ambiguous, so it has to be answered.
        if (count % 3 < 2) appended.set(entry, await client.call('append', { entry }));
        else if (count % 6 === 2) missing.push(await client.call('has', { entry }));
        else {
          const before = `${name}, client ${index}, call ${count - 1}`;
          const isThere = await client.call('has', { entry: before });
          found.push([isThere, appended.get(before)]);
        }
        killer.settled();
        // Some clients come and go; the others keep the session they had, whatever happens to the servers.
        if (index % 5 === 4 && count % 10 === 9) {
          await client.transport.terminateSession();
          await client.client.close();
          client = await connect(name);
          await client.client.listTools();
        }
      }
      if (index % 5 !== 4) assert.equal(client.transport.sessionId, sessionId);
      await client.client.close();
    };
    try {
      await Promise.all(Array.from({ length: CLIENTS }, (_, index) => use(index)));
      await killer.done();
    } finally {
      await gateway.close();
      await Promise.all(arenas.map(({ server }) => server.stop()));
    }
    assert.equal(appended.size + missing.length + found.length, CLIENTS * CALLS);
    assert.ok(killer.kills > 3, `${killer.kills} kills`);
    const runs = new Map<string, number>();
    for (const { file } of arenas) {
      for (const { entry } of readLedger(file)) runs.set(entry, (runs.get(entry) ?? 0) + 1);
    }
    assert.deepEqual(
      [...runs].filter(([, count]) => count > 1),
      [],
    );
    // Each answer is that of its own call, and says what is so.
    const wrong = [...appended].filter(
      ([entry, outcome]) =>
        outcome !== 'OUTCOME_UNKNOWN' && !(outcome.startsWith(`appended ${entry} at `) && runs.has(entry)),
    );
    assert.deepEqual(wrong, []);
    assert.deepEqual(new Set(missing), new Set(['false']));
    assert.deepEqual(
      found.filter(([isThere, outcome]) => isThere !== 'true' && outcome !== 'OUTCOME_UNKNOWN'),
      [],
    );
    const unknown = [...appended.values()].filter((outcome) => outcome === 'OUTCOME_UNKNOWN').length;
    // At most what was under way at each kill.
    assert.ok(unknown <= killer.kills * CLIENTS, `${unknown} of unknown outcome after ${killer.kills} kills`);
  });
});
