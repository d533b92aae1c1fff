import assert from 'node:assert/strict';
import fc from 'fast-check';
import { RESET } from '../../src/client/session/state.ts';
import { TimelineFeed } from '../../src/vscode/views/timeline/timeline-feed.ts';
import type { Increment } from '../../src/webview/timeline/messages.ts';
import { story } from '../webview/story.ts';
import { EXAMPLES, numbered } from './facts.ts';
import { NOW } from './snapshots.ts';

const { sessionOpened, sessionLost, sessionReplaced, serverUnavailable, serverAnswered } = EXAMPLES;
const first = { ...sessionOpened, generation: 1 };

function phasesOf(facts: Parameters<typeof numbered>[0]): (readonly [string, number])[] {
  const { phases } = new TimelineFeed().add(numbered(facts), NOW);
  return phases.map(({ kind, generation }) => [kind, generation] as const);
}

describe('the feed of the timeline', () => {
  it('makes each fact a mark, with its lane, time, kind, generation and words', () => {
    const { lanes, marks, now } = new TimelineFeed().add(numbered(Object.values(EXAMPLES)), NOW);
    assert.deepEqual(lanes, [{ id: 0, server: 'a', title: 'a' }]);
    assert.equal(now, NOW);
    assert.equal(marks.length, Object.keys(EXAMPLES).length);
    assert.deepEqual(
      marks.find(({ text }) => text.startsWith('New session')),
      {
        seq: 7,
        lane: 0,
        at: NOW - (marks.length - 7) * 1000,
        kind: 'recovery',
        generation: 2,
        durationMs: 1200,
        text: 'New session after 1.2 s: gone',
      },
    );
  });

  it('gives each connection a lane, and names that of a client by its number', () => {
    const feed = new TimelineFeed();
    const own = feed.add(numbered([first]), NOW);
    const theirs = feed.add(numbered([first], { server: 'a', client: 3 }), NOW);
    assert.deepEqual(theirs.lanes, [{ id: 1, server: 'a', client: 3, title: 'a, client 3' }]);
    assert.deepEqual([own.marks[0]?.lane, theirs.marks[0]?.lane], [0, 1]);
    assert.deepEqual(feed.add(numbered([sessionLost]), NOW).lanes, []);
  });

  it('tells the phases of a recovery', () => {
    assert.deepEqual(phasesOf([first, serverUnavailable, sessionLost, sessionOpened, sessionReplaced]), [
      ['session', 1],
      ['unreachable', 1],
      ['recovering', 1],
      ['session', 2],
    ]);
  });

  it('tells the phases of an outage that the session outlives', () => {
    const down = { ...EXAMPLES.connectionDown };
    assert.deepEqual(phasesOf([first, serverUnavailable, down, serverAnswered, EXAMPLES.connectionClosed]), [
      ['session', 1],
      ['unreachable', 1],
      ['down', 1],
      ['session', 1],
      ['ended', 2],
    ]);
  });

  it('knows from an answered request that a session was there, where its opening is forgotten', () => {
    assert.deepEqual(phasesOf([EXAMPLES.requestAnswered]), [['session', 2]]);
    assert.deepEqual(phasesOf([EXAMPLES.attemptFailed]), [['unreachable', 1]]);
    assert.deepEqual(phasesOf([{ ...EXAMPLES.attemptFailed, generation: 0 }]), [['connecting', 0]]);
  });

  it('calls a loss a fault, unless a person has asked for it', () => {
    const { marks } = new TimelineFeed().add(
      numbered([sessionLost, { ...sessionLost, evidence: RESET }]),
      NOW,
    );
    assert.deepEqual(
      marks.map(({ kind }) => kind),
      ['fault', 'session'],
    );
  });

  it('tells the same, however the facts were divided', () => {
    const facts = story({ facts: 300, seed: 7 });
    const whole = new TimelineFeed().add(facts, NOW);
    const cuts = fc.uniqueArray(fc.nat(facts.length), { maxLength: 8 });
    fc.assert(
      fc.property(cuts, (places) => {
        const feed = new TimelineFeed();
        const ends = [...places.sort((a, b) => a - b), facts.length];
        const parts = ends.map((end, index) => feed.add(facts.slice(ends[index - 1] ?? 0, end), NOW));
        const all = <Key extends 'lanes' | 'phases' | 'marks'>(key: Key) =>
          parts.flatMap((part: Increment) => [...part[key]]);
        assert.deepEqual(
          { now: NOW, lanes: all('lanes'), phases: all('phases'), marks: all('marks') },
          whole,
        );
      }),
    );
  });
});
