import assert from 'node:assert/strict';
import { freePort } from '../../harness/free-port.ts';
import { lostSessionDialects } from '../../harness/ledger-endpoint.ts';
import { everythingServer } from '../../harness/programs.ts';
import { SupervisedServer } from '../../harness/supervised-server.ts';
import { type Connected, connected } from '../support/connected.ts';
import { codeOf } from '../support/failure.ts';
import { ledgerProcess } from '../support/ledger-process.ts';
import { textOf } from '../support/sdk-client.ts';

const entries = Array.from({ length: 50 }, (_, index) => `entry ${index}`);

const append = ({ client }: Connected, entry: string) =>
  client.callTool({ name: 'append', arguments: { entry } }).then(textOf, codeOf);

// Servers of the SDK v1, each a process of its own, killed with SIGKILL.
describe('a real server that is killed', () => {
  for (const dialect of lostSessionDialects) {
    for (const outage of ['restarted at once', 'away while the calls come'] as const) {
      it(`and ${outage}, answering ${dialect}: 50 calls at once, 50 answers, one initialize, none run twice`, async () => {
        await using ledger = await ledgerProcess(dialect);
        const { server } = ledger;
        await using scenario = await connected(server.url);
        await scenario.fact('streamOpened');
        await server.kill();
        if (outage === 'restarted at once') await server.start();
        const calling = entries.map((entry) => append(scenario, entry));
        if (!server.running) {
          await scenario.fact('attemptFailed', 3);
          await server.start();
        }
        for (const answer of await Promise.all(calling)) assert.match(answer, /^appended entry/);
        assert.equal(ledger.lines.length, entries.length);
        assert.deepEqual(ledger.ranTwice, []);
        assert.equal(ledger.initializes, 2);
        assert.equal(scenario.transport.snapshot().generation, 2);
      });
    }
  }

  it('in the middle of 50 calls: each is answered, or its caller is told that it may have run; none runs twice', async () => {
    await using ledger = await ledgerProcess();
    const { server } = ledger;
    await using scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    const calling = entries.map((entry) =>
      scenario.client
        .callTool({ name: 'slow_append', arguments: { entry, afterMs: 60_000 } })
        .then(textOf, codeOf),
    );
    await scenario.client.callTool({ name: 'has', arguments: { entry: 'entry 49' } });
    await server.restart();
    assert.deepEqual(new Set(await Promise.all(calling)), new Set(['OUTCOME_UNKNOWN']));
    assert.deepEqual(ledger.ranTwice, []);
    assert.match(await append(scenario, 'afterwards'), /^appended afterwards/);
  });

  it('heals with server-everything too, log level and subscription restored', async () => {
    await using server = await SupervisedServer.start(everythingServer(await freePort()));
    await using scenario = await connected(server.url);
    const { tools } = await scenario.client.listTools();
    await scenario.client.setLoggingLevel('error');
    for (let round = 0; round < 3; round++) {
      await server.restart();
      const calling = entries.map((message) =>
        scenario.client.callTool({ name: 'echo', arguments: { message } }),
      );
      const answers = (await Promise.all(calling)).map(textOf);
      assert.deepEqual(
        answers,
        entries.map((message) => `Echo: ${message}`),
      );
    }
    assert.equal((await scenario.client.listTools()).tools.length, tools.length);
    assert.equal(scenario.transport.snapshot().generation, 4);
    assert.equal(scenario.facts('stateRestored').length, 3);
  });
});
