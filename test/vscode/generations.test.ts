import assert from 'node:assert/strict';
import { generationsOf } from '../../src/vscode/views/sessions/generations.ts';
import { EXAMPLES, numbered } from './facts.ts';
import { NOW } from './snapshots.ts';

const { sessionOpened, sessionLost, sessionReplaced, connectionClosed, serverUnavailable, serverAnswered } =
  EXAMPLES;
const first = { ...sessionOpened, generation: 1 };

describe('the generations of a connection', () => {
  it('are the sessions that it held, the latest first, with when and why each ended', () => {
    const facts = numbered([first, sessionLost, sessionOpened, sessionReplaced]);
    assert.deepEqual(generationsOf(facts), [
      { generation: 2, from: NOW - 1000, to: undefined, cause: undefined },
      { generation: 1, from: NOW - 3000, to: NOW - 2000, cause: 'gone' },
    ]);
  });

  it('go on through an outage', () => {
    const facts = numbered([first, serverUnavailable, serverAnswered]);
    assert.deepEqual(generationsOf(facts), [
      { generation: 1, from: NOW - 2000, to: undefined, cause: undefined },
    ]);
  });

  it('begin at 1 again when the connection is made anew, and each keeps its own cause', () => {
    const life = [first, sessionLost, sessionOpened, sessionReplaced, connectionClosed];
    const generations = generationsOf(numbered([...life, first]));
    assert.deepEqual(
      generations.map(({ generation, cause, to }) => [generation, cause, to === undefined]),
      [
        [1, undefined, true],
        [2, undefined, false],
        [1, 'gone', false],
      ],
    );
  });

  it('can be told from the middle on, where the beginning is forgotten', () => {
    assert.deepEqual(
      generationsOf(numbered([sessionReplaced])).map(({ generation }) => generation),
      [2],
    );
    assert.deepEqual(generationsOf(numbered([sessionLost])), []);
  });
});
