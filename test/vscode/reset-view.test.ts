import assert from 'node:assert/strict';
import type { ResetOutcome } from '../../src/hub/hub.ts';
import { resetPicks, resetTarget } from '../../src/vscode/commands/reset-target.ts';
import { renderReset } from '../../src/vscode/commands/reset-view.ts';
import { connection, onDemand, server } from './snapshots.ts';

const renewed = (name: string, overrides = {}): ResetOutcome => ({
  server: name,
  ok: true,
  connection: connection({ generation: 3, ...overrides }),
  durationMs: 42,
});

const failed = (name: string): ResetOutcome => ({
  server: name,
  ok: false,
  reason: 'fetch failed: connect ECONNREFUSED 127.0.0.1:3000',
  advice: 'Check that the server runs.',
});

describe('what Reset Session is about', () => {
  const both = ['a', 'b'];
  for (const [argument, names, target] of [
    [undefined, [], { kind: 'none configured' }],
    ['a', [], { kind: 'none configured' }],
    [undefined, ['a'], { kind: 'one', name: 'a' }],
    [undefined, both, { kind: 'ask' }],
    ['b', both, { kind: 'one', name: 'b' }],
    [{ server: 'b' }, both, { kind: 'one', name: 'b' }],
    ['c', both, { kind: 'unknown', name: 'c' }],
    [{ server: 'c' }, ['a'], { kind: 'unknown', name: 'c' }],
    [{ all: true }, both, { kind: 'all' }],
    [{ ask: true }, ['a'], { kind: 'ask' }],
    [{ server: 5 }, both, { kind: 'ask' }],
    [null, ['a'], { kind: 'one', name: 'a' }],
    [{ all: 'yes' }, both, { kind: 'ask' }],
  ] as const) {
    it(`is ${JSON.stringify(target)} for ${JSON.stringify(argument)} of ${JSON.stringify(names)}`, () => {
      assert.deepEqual(resetTarget(argument, names), target);
    });
  }
});

describe('the pick of sessions', () => {
  it('offers all sessions first, then each server with its state', () => {
    const picks = resetPicks([
      server('a', { generation: 2 }),
      server('b', { status: 'down', stateless: true }),
    ]);
    assert.deepEqual(
      picks.map(({ label, description }) => `${label}: ${description}`),
      [
        'All sessions: 2 servers',
        'a: http://localhost:3000/mcp · generation 2',
        'b: http://localhost:3000/mcp · down · stateless',
      ],
    );
    assert.deepEqual(picks[2]?.target, { kind: 'one', name: 'b' });
  });

  it('tells how many clients will get a new session, and of a server that nobody uses', () => {
    const picks = resetPicks([onDemand('a', connection(), connection({ status: 'down' })), onDemand('b')]);
    assert.deepEqual(
      picks.slice(1).map(({ description }) => description),
      ['npx · down · generation 1 · 2 clients', 'npx · starts when used'],
    );
  });

  it('has no line for all when there is one server', () => {
    assert.deepEqual(
      resetPicks([server('a', { generation: 0 })]).map((pick) => pick.description),
      ['http://localhost:3000/mcp · no session yet'],
    );
  });

  it('shows no icon that a name asks for, and still resets that server', () => {
    const [pick] = resetPicks([server('$(check) x')]);
    assert.doesNotMatch(pick?.label ?? '', /\$\(/);
    assert.deepEqual(pick?.target, { kind: 'one', name: '$(check) x' });
  });
});

describe('what a person is told after Reset Session', () => {
  it('is the new generation and the time it took', () => {
    assert.deepEqual(renderReset([renewed('everything')]), {
      success: 'MCP: new session for everything (generation 3, 42 ms)',
      failure: undefined,
      failed: [],
    });
  });

  it('is no generation for a server without sessions', () => {
    const { success } = renderReset([renewed('a', { stateless: true })]);
    assert.equal(success, 'MCP: reconnected to a (stateless, 42 ms)');
  });

  it('is that there was nothing to reset, unless it is one of many', () => {
    const none: ResetOutcome = { server: 'a', ok: true, connection: undefined, durationMs: 0 };
    assert.equal(renderReset([none]).success, 'MCP: a has no session; it starts when used');
    assert.match(renderReset([none, renewed('b')]).success ?? '', /^MCP: new session for b /);
    assert.equal(renderReset([none, none]).success, undefined);
  });

  it('is a number for several servers', () => {
    assert.equal(renderReset([renewed('a'), renewed('b')]).success, 'MCP: 2 new sessions (42 ms)');
  });

  it('is the reason and the advice when it failed', () => {
    assert.deepEqual(renderReset([failed('a')]), {
      success: undefined,
      failure:
        'MCP: no new session for a: fetch failed: connect ECONNREFUSED 127.0.0.1:3000. Check that the server runs.',
      failed: ['a'],
    });
  });

  it('holds no link that a server asked for', () => {
    const hostile: ResetOutcome = { server: 'a', ok: false, reason: '[ok](command:x.y)', advice: undefined };
    assert.doesNotMatch(renderReset([hostile]).failure ?? '', /\]\(/);
  });

  it('is both when some failed, with the servers to try again', () => {
    const { success, failure, failed: again } = renderReset([renewed('a'), failed('b'), failed('c')]);
    assert.equal(success, 'MCP: new session for a (generation 3, 42 ms)');
    assert.match(failure ?? '', /no new session for 2 servers \(b, c\)\. The first: fetch failed/);
    assert.deepEqual(again, ['b', 'c']);
  });
});
