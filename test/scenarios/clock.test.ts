import assert from 'node:assert/strict';
import { connected, quick } from '../support/connected.ts';
import { HeldClock } from '../support/held-clock.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

const HOUR_MS = 3_600_000;

describe('a wall clock that jumps', () => {
  for (const [name, jumpMs] of [
    ['forward', HOUR_MS],
    ['back', -HOUR_MS],
  ] as const) {
    it(`${name} by an hour under calls: every one is answered, and none is made twice`, async () => {
      await using server = await ScriptedServer.start();
      const clock = new HeldClock();
      await using scenario = await connected(server.url, { environment: { clock } });
      const hold = server.hold({ tool: 'count' });
      const calling = ['a', 'b', 'c'].map((key) => scenario.call('count', key));
      await hold.arrived(3);
      clock.jump(jumpMs);
      // What looks after silence runs in it.
      await clock.advance(20_000);
      hold.release();
      assert.deepEqual(await Promise.all(calling), ['ran a', 'ran b', 'ran c']);
      assert.deepEqual(server.ranTwice, []);
      assert.equal(server.count({ rpc: 'initialize' }), 1);
    });
  }

  it('forward by an hour while the server is away: nobody’s patience is used up by it', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using scenario = await connected(server.url, { environment: { clock } });
    await scenario.fact('streamOpened');
    await server.refuseConnections();
    await scenario.fact('streamEnded');
    const calling = scenario.call('count', 'a');
    await scenario.fact('attemptFailed');
    clock.jump(HOUR_MS);
    await clock.advance(quick.recovery?.maxDelayMs ?? 0);
    await scenario.fact('attemptFailed', 2);
    assert.equal(scenario.transport.snapshot().status, 'unreachable');
    const { nextAttemptAt = 0 } = scenario.transport.snapshot();
    assert.ok(nextAttemptAt - clock.now() <= 20, 'the next attempt is shown by the clock as it is now');
    await server.acceptConnections();
    await clock.advance(quick.recovery?.maxDelayMs ?? 0);
    assert.equal(await calling, 'ran a');
    assert.equal(scenario.facts('serverAnswered').length, 1);
  });
});
