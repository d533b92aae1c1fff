import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { UnhurriedClock } from './unhurried-clock.ts';

// Not that of the process: on that, what other files have left behind may still wait.
const clock = new UnhurriedClock();
const after = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve));

/** Lets the process stand still, as one does that gets no processor. */
function standStill(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe('the unhurried clock', () => {
  it('lets no wait be over in one turn, however late that turn comes', async () => {
    let isOver = false;
    clock.after(50, () => {
      isOver = true;
    });
    for (let turn = 0; turn < 20; turn++) {
      standStill(20);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    assert.equal(isOver, false);
    await after(60);
    assert.equal(isOver, true);
  });

  it('lets what came in time be heard before the time is over', async () => {
    const server = createServer((socket) => socket.on('data', (data) => socket.write(data)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    for (let round = 0; round < 10; round++) {
      const limit = Promise.withResolvers<string>();
      const cancel = clock.after(20, () => limit.resolve('late'));
      socket.write('a question');
      const answered = once(socket, 'data').then(() => 'in time');
      standStill(50);
      assert.equal(await Promise.race([limit.promise, answered]), 'in time');
      cancel();
    }
    socket.destroy();
    server.close();
  });

  it('calls in the order in which the timers are due, and none that was cancelled', async () => {
    const called: number[] = [];
    const cancels = [30, 10, 20, 5].map((ms) => clock.after(ms, () => called.push(ms)));
    cancels[2]?.();
    cancels[2]?.();
    await after(40);
    assert.deepEqual(called, [5, 10, 30]);
  });

  it('runs ahead of the platform never', async () => {
    const [began, from] = [clock.monotonic(), performance.now()];
    await after(300);
    const [passed, real] = [clock.monotonic() - began, performance.now() - from];
    assert.ok(passed >= 300 && passed <= real + 2, `${passed} of ${real}`);
  });

  it('goes on by itself while no timer is set, and never back', () => {
    const began = clock.monotonic();
    standStill(30);
    assert.ok(clock.monotonic() >= began + 29);
    const cancel = clock.after(1000, () => {});
    standStill(30);
    const now = clock.monotonic();
    assert.ok(now >= began + 58);
    cancel();
    assert.ok(clock.monotonic() >= now);
  });
});
