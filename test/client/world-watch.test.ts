import assert from 'node:assert/strict';
import { systemEnvironment } from '../../src/base/environment.ts';
import { type WorldChange, WorldWatch, worldWatchOf } from '../../src/client/recovery/world-watch.ts';
import { HeldClock } from '../support/held-clock.ts';

const HOUR_MS = 3_600_000;

describe('what happened to the machine', () => {
  let clock: HeldClock;
  let addresses: string;
  let told: WorldChange[];
  let watch: WorldWatch;

  beforeEach(() => {
    clock = new HeldClock();
    addresses = '192.0.2.1';
    told = [];
    watch = new WorldWatch(clock, () => addresses);
  });

  const listen = () => watch.subscribe((change) => told.push(change));

  for (const [what, happen] of [
    ['it slept, and the monotonic clock with it', () => clock.jump(HOUR_MS)],
    ['its clock was set back', () => clock.jump(-HOUR_MS)],
    ['it was stopped, and its timers come late', () => clock.stop(HOUR_MS)],
  ] as const) {
    it(`is noticed once: ${what}`, async () => {
      const listening = listen();
      await clock.advance(60_000);
      assert.deepEqual(told, []);
      happen();
      await clock.advance(60_000);
      assert.deepEqual(told, ['jumped']);
      listening.dispose();
    });

    it(`is noticed by whoever looks before any timer: ${what}`, async () => {
      const listening = listen();
      happen();
      watch.look();
      assert.deepEqual(told, ['jumped']);
      await clock.advance(60_000);
      assert.deepEqual(told, ['jumped']);
      listening.dispose();
    });
  }

  it('is no jump where a clock is set right, or a timer a little late', async () => {
    const listening = listen();
    clock.jump(4000);
    await clock.advance(10_000);
    clock.stop(4000);
    await clock.advance(10_000);
    assert.deepEqual(told, []);
    listening.dispose();
  });

  it('is noticed when it has other addresses', async () => {
    const listening = listen();
    addresses = '198.51.100.1';
    await clock.advance(60_000);
    assert.deepEqual(told, ['networkChanged']);
    listening.dispose();
  });

  it('is not what a system shows that keeps its addresses to itself', async () => {
    const secretive = new WorldWatch(clock, () => {
      throw new Error('uv_interface_addresses returned Unknown system error 13');
    });
    const listening = secretive.subscribe((change) => told.push(change));
    await clock.advance(60_000);
    clock.jump(HOUR_MS);
    await clock.advance(60_000);
    assert.deepEqual(told, ['jumped']);
    listening.dispose();
  });

  it('is watched only while somebody listens, and what was before is no news', async () => {
    const [one, other] = [listen(), listen()];
    assert.equal(clock.pending, 1);
    one.dispose();
    assert.equal(clock.pending, 1);
    other.dispose();
    assert.equal(clock.pending, 0);
    clock.jump(HOUR_MS);
    watch.look();
    const again = listen();
    await clock.advance(60_000);
    assert.deepEqual(told, []);
    again.dispose();
  });

  it('is watched once for all that go by one clock', () => {
    const environment = systemEnvironment({ clock });
    assert.equal(worldWatchOf(environment), worldWatchOf({ ...environment }));
    assert.notEqual(worldWatchOf(environment), worldWatchOf(systemEnvironment()));
  });
});
