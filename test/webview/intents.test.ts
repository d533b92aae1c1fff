import assert from 'node:assert/strict';
import { type Intents, intentOfKey, ZOOM_STEP } from '../../src/webview/timeline/intents.ts';

const plain = { shiftKey: false, ctrlKey: false, metaKey: false, altKey: false };

/** What a key does: the name of the intent and its arguments. */
function meant(key: string, modifiers: Partial<typeof plain> = {}): unknown[] {
  const calls: unknown[][] = [];
  const intents = new Proxy({} as Intents, {
    get:
      (_, name) =>
      (...args: unknown[]) =>
        calls.push([name, ...args]),
  });
  intentOfKey({ key, ...plain, ...modifiers })?.(intents);
  return calls[0] ?? [];
}

describe('the keys of the chart', () => {
  it('go from fact to fact, and between lanes', () => {
    assert.deepEqual(meant('ArrowRight'), ['step', 1, 'all']);
    assert.deepEqual(meant('ArrowLeft', { ctrlKey: true }), ['step', -1, 'events']);
    assert.deepEqual(meant('ArrowLeft', { metaKey: true }), ['step', -1, 'events']);
    assert.deepEqual(meant('ArrowDown'), ['changeLane', 1]);
    assert.deepEqual(
      [meant('Home'), meant('End')],
      [
        ['jump', 'first'],
        ['jump', 'last'],
      ],
    );
  });

  it('zoom and move the time, and give the choice up', () => {
    for (const key of ['+', '=']) assert.deepEqual(meant(key), ['zoom', 1 / ZOOM_STEP]);
    for (const key of ['-', '_'])
      assert.deepEqual(meant(key, { shiftKey: key === '_' }), ['zoom', ZOOM_STEP]);
    assert.deepEqual(meant('ArrowRight', { shiftKey: true }), ['pan', 0.2]);
    assert.deepEqual([meant('0'), meant('l'), meant('Escape')], [['fit'], ['follow'], ['clear']]);
  });

  it('leave to the editor and the browser what is theirs', () => {
    assert.deepEqual(meant('+', { ctrlKey: true }), []);
    assert.deepEqual(meant('ArrowLeft', { altKey: true }), []);
    for (const key of ['Tab', 'Enter', 'a', 'F1', 'constructor']) assert.deepEqual(meant(key), [], key);
  });
});
