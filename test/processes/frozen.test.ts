import assert from 'node:assert/strict';
import { codeOf } from '../support/failure.ts';
import { ledgerClient, lives, stopped } from '../support/stdio/ledger.ts';

describe('a program that has stopped, as under a debugger', () => {
  before(function () {
    if (process.platform !== 'linux') this.skip();
  });

  it('is shown as unreachable, and answers when it goes on: it is not replaced', async () => {
    const recovery = { attemptTimeoutMs: 500 };
    await using scenario = await ledgerClient({ recovery, busyPingMs: 50 });
    const { pid } = scenario.ledger;
    await stopped(pid);
    const call = scenario.call('count', 'a');
    await scenario.state(({ status }) => status === 'unreachable');
    process.kill(pid, 'SIGCONT');
    assert.equal(await call, 'ran a');
    await scenario.state(({ status }) => status === 'ready');
    assert.equal(scenario.ledger.pid, pid);
    assert.equal(scenario.ledger.runs('count', 'a'), 1);
  });

  it('keeps no call for ever', async () => {
    const recovery = { attemptTimeoutMs: 500 };
    await using scenario = await ledgerClient({
      recovery,
      busyPingMs: 50,
      silenceLimitMs: 1000,
      patienceMs: 500,
    });
    await stopped(scenario.ledger.pid);
    const failure = await scenario.client
      .callTool({ name: 'count', arguments: { key: 'a' } })
      .catch((error: unknown) => error);
    assert.equal(codeOf(failure), 'OUTCOME_UNKNOWN');
    assert.match(String(failure), /nothing was heard of it for 1000 ms/);
  });

  it('is ended by a reset, and another takes its place', async () => {
    await using scenario = await ledgerClient({ closeTimeoutMs: 50 });
    const { pid } = scenario.ledger;
    await stopped(pid);
    const snapshot = await scenario.transport.resetSession();
    assert.equal(snapshot.generation, 2);
    assert.ok(!lives(pid));
    assert.equal(await scenario.call('count', 'a'), 'ran a');
  });
});
