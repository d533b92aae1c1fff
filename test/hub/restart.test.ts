import assert from 'node:assert/strict';
import { freePort } from '../../harness/free-port.ts';
import { everythingServer, ledgerServer } from '../../harness/programs.ts';
import { SupervisedServer } from '../../harness/supervised-server.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { textOf } from '../support/sdk-client.ts';
import type { Fleet } from './fleets.ts';
import { config, factOf, hasTools, reaches, reachesServer, realFleet } from './fleets.ts';

describe('a fleet over servers that are killed', () => {
  let scratch: ScratchFolder;
  let everything: SupervisedServer;
  let ledger: SupervisedServer;
  let fleet: Fleet;

  beforeEach(async () => {
    scratch = scratchFolder();
    everything = await SupervisedServer.start(everythingServer(await freePort()));
    ledger = await SupervisedServer.start(
      ledgerServer({ port: await freePort(), file: scratch.file('ledger.jsonl') }),
    );
    fleet = realFleet();
    fleet.apply([config('everything', everything.url), config('ledger', ledger.url)]);
    await reaches(fleet, ({ servers }) => servers.every(hasTools));
  });

  afterEach(async () => {
    await fleet.close();
    await everything.stop();
    await ledger.stop();
    scratch[Symbol.dispose]();
  });

  const echo = async (message: string) => textOf(await fleet.callTool('everything', 'echo', { message }));
  const connection = (name: string) =>
    fleet.snapshot().servers.find((server) => server.name === name)?.connection ?? assert.fail();

  it('answers the next call on a new session, and leaves the other server alone', async () => {
    assert.equal(await echo('one'), 'Echo: one');
    await everything.restart();
    assert.equal(await echo('two'), 'Echo: two');
    assert.equal(connection('everything').generation, 2);
    assert.equal(connection('everything').recoveries, 1);
    assert.equal(connection('ledger').generation, 1);
  });

  it('answers fifty calls at once after a restart with one new session, each run once', async () => {
    await ledger.restart();
    const entries = Array.from({ length: 50 }, (_, i) => `entry ${i}`);
    await Promise.all(entries.map((entry) => fleet.callTool('ledger', 'append', { entry })));
    assert.equal(connection('ledger').generation, 2);
    const written = textOf(await fleet.callTool('ledger', 'read', { last: 100 }));
    for (const entry of entries) assert.equal(written.split(JSON.stringify(entry)).length, 2, entry);
  });

  it('holds a call while the server is gone, and answers it when it is back', async () => {
    await everything.kill();
    const noticed = factOf(fleet, 'attemptFailed', 'everything');
    const answer = echo('patience');
    await noticed;
    assert.notEqual(connection('everything').status, 'ready');
    await everything.start();
    assert.equal(await answer, 'Echo: patience');
    await reachesServer(fleet, 'everything', (server) => server.connection.status === 'ready');
  });
});
