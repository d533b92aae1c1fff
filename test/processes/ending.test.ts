import assert from 'node:assert/strict';
import { connectedBy } from '../support/connected.ts';
import { Ledger, ledgerClient, lives, openLedger } from '../support/stdio/ledger.ts';

describe('the end of a program', () => {
  before(function () {
    if (process.platform === 'win32') this.skip();
  });

  it('is asked for by closing its input', async () => {
    const scenario = await ledgerClient();
    const { pid, lines } = scenario.ledger;
    assert.ok(lines.length > 0);
    await scenario.client.close();
    assert.ok(!lives(pid));
    assert.deepEqual(scenario.ledger.lines.slice(-1), ['input ended']);
    const [ended] = scenario.facts('sessionEnded');
    assert.ok(ended?.kind === 'sessionEnded' && ended.outcome === 'closed');
    scenario.ledger[Symbol.dispose]();
  });

  it('is asked for by a signal when it goes on, and then made', async () => {
    for (const [stubborn, last] of [
      ['eof', 'told to end'],
      ['term', 'told to end'],
    ] as const) {
      const scenario = await ledgerClient({ env: { STUBBORN: stubborn }, closeTimeoutMs: 20_000 });
      const { pid } = scenario.ledger;
      await scenario.client.close();
      assert.ok(!lives(pid));
      assert.deepEqual(scenario.ledger.lines.slice(-2), ['input ended', last]);
      scenario.ledger[Symbol.dispose]();
    }
  });

  it('does not wait for one that will not end, nor for one that is stopped', async () => {
    const scenario = await ledgerClient({ closeTimeoutMs: 50 });
    const { pid } = scenario.ledger;
    process.kill(pid, 'SIGSTOP');
    await scenario.client.close();
    assert.ok(!lives(pid));
    scenario.ledger[Symbol.dispose]();
  });

  it('is the end of all that it has started', async () => {
    for (const end of ['close', 'crash'] as const) {
      await using scenario = await ledgerClient({ env: { CHILD: '1' } });
      const [child = 0] = scenario.ledger.pids('child');
      assert.ok(lives(child));
      if (end === 'close') await scenario.client.close();
      else {
        process.kill(scenario.ledger.pid, 'SIGKILL');
        await scenario.state(({ generation, status }) => generation === 2 && status === 'ready');
      }
      assert.ok(!lives(child), `after ${end}`);
      await scenario.client.close();
      assert.deepEqual(scenario.ledger.pids('child').filter(lives), []);
    }
  });

  it('comes before the start of its successor, however long it takes, when the session is reset', async () => {
    await using scenario = await ledgerClient({ env: { STUBBORN: 'eof' }, closeTimeoutMs: 20_000 });
    await scenario.call('count', 'a');
    const snapshot = await scenario.transport.resetSession();
    assert.equal(snapshot.generation, 2);
    const [first, second] = scenario.ledger.pids();
    assert.deepEqual(scenario.ledger.lines, [
      `started ${first}`,
      'count a',
      'input ended',
      'told to end',
      `started ${second}`,
    ]);
  });

  it('waits for a call that is under way when the session is reset, and then comes all the same', async () => {
    await using scenario = await ledgerClient();
    const call = scenario.call('ask', 'a');
    await scenario.tells('running ask a');
    await scenario.transport.resetSession();
    assert.match(await call, /roots|Method not found|OUTCOME_UNKNOWN|error/i);
  });

  it('comes for one that is just being started, too', async () => {
    const ledger = new Ledger();
    const transport = openLedger(ledger, {
      entry: {
        args: [
          '-e',
          'require("fs").writeFileSync(process.env.LEDGER, "started " + process.pid); setInterval(() => {}, 1000)',
        ],
      },
    });
    const connecting = connectedBy(transport).catch((error: unknown) => error);
    while (ledger.pids().length === 0) await new Promise((resolve) => setImmediate(resolve));
    await transport.close();
    assert.ok(!lives(ledger.pid));
    assert.match(String(await connecting), /closed/i);
    ledger[Symbol.dispose]();
  });

  it('leaves no listener, no timer and no pipe in this process', async () => {
    // The runner starts its own timer when it has been given the promise of this test.
    await new Promise((resolve) => setImmediate(resolve));
    const before = process.getActiveResourcesInfo().sort();
    const listeners = process.listenerCount('exit');
    for (let round = 0; round < 3; round++) {
      await using scenario = await ledgerClient();
      process.kill(scenario.ledger.pid, 'SIGKILL');
      await scenario.state(({ generation, status }) => generation === 2 && status === 'ready');
    }
    assert.equal(process.listenerCount('exit'), listeners);
    // A handle is closed in the turn after the one in which it was let go.
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(process.getActiveResourcesInfo().sort(), before);
  });
});
