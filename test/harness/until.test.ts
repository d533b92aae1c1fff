import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { until } from '../../harness/until.ts';

describe('until', () => {
  const aSource = () => {
    const emitter = new EventEmitter<{ value: [number] }>();
    const subscribe = (listener: (value: number) => void) => {
      emitter.on('value', listener);
      return () => emitter.off('value', listener);
    };
    return { emitter, subscribe };
  };

  it('gives the first value that the predicate accepts, and ends the subscription', async () => {
    const { emitter, subscribe } = aSource();
    const found = until(subscribe, (value) => value > 1);
    for (const value of [1, 2, 3]) emitter.emit('value', value);
    assert.equal(await found, 2);
    assert.equal(emitter.listenerCount('value'), 0);
  });

  it('ends a subscription that delivers inside the call that makes it', async () => {
    let ended = 0;
    const value = await until<string>(
      (listener) => {
        listener('at once');
        return { dispose: () => ended++ };
      },
      () => true,
    );
    assert.deepEqual([value, ended], ['at once', 1]);
  });

  it('says what it waited for and what it saw when the time is up', async () => {
    const { emitter, subscribe } = aSource();
    const waiting = until(subscribe, () => false, { timeoutMs: 20, what: 'the seventh wave' });
    emitter.emit('value', 6);
    await assert.rejects(waiting, /the seventh wave did not come within 20 ms; 1 seen, the last: 6/);
    assert.equal(emitter.listenerCount('value'), 0);
  });

  it('rejects with what the predicate throws', async () => {
    const { emitter, subscribe } = aSource();
    const waiting = until(subscribe, () => {
      throw new Error('bad predicate');
    });
    emitter.emit('value', 1);
    await assert.rejects(waiting, /bad predicate/);
  });
});
