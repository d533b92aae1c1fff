import assert from 'node:assert/strict';
import fc from 'fast-check';
import { factLabel } from '../../src/vscode/text/fact-label.ts';
import { EXAMPLES } from './facts.ts';

describe('a fact in words', () => {
  const words = Object.fromEntries(Object.entries(EXAMPLES).map(([kind, fact]) => [kind, factLabel(fact)]));

  it('is one sentence, and for each kind another', () => {
    assert.equal(new Set(Object.values(words)).size, Object.keys(EXAMPLES).length);
    for (const each of Object.values(words)) assert.match(each, /^[^\n]+[^.\n]$/);
  });

  it('says what was asked, of whom, how it went and why', () => {
    assert.equal(words.requestAnswered, 'tools/call search answered in 12 ms');
    const error = { ...EXAMPLES.requestAnswered, error: -32602 };
    assert.equal(factLabel(error), 'tools/call search answered with error -32602 in 12 ms');
    assert.equal(words.requestReplayed, 'tools/call search sent again: the session was gone');
    assert.equal(words.requestFailed, 'tools/call search failed (SERVER_UNAVAILABLE): no session');
    assert.equal(words.outcomeUnknown, 'tools/call search may or may not have run: cut off');
    assert.equal(words.sessionLost, 'Session lost: 404 to tools/call: Session not found');
    assert.equal(words.sessionReplaced, 'New session after 1.2 s: gone');
    assert.equal(words.serverAnswered, 'Server answers again after 3.0 s, on the same session');
    assert.equal(words.attemptFailed, 'Attempt 2 failed, next in 400 ms: connect ECONNREFUSED');
    assert.equal(
      words.stateRestored,
      'Restored on the new session: log level info, 2 subscriptions, 1 not accepted',
    );
  });

  it('names a request without a tool by its method', () => {
    const fact = { ...EXAMPLES.requestCancelled, method: 'resources/read', tool: undefined };
    assert.equal(factLabel(fact), 'resources/read cancelled');
  });

  it('shows a fact of a kind that it does not know by its name', () => {
    assert.equal(factLabel({ kind: 'sessionSold', generation: 1 } as never), 'sessionSold');
  });

  it('keeps what a server wrote to one plain line without ids', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const line = factLabel({ ...EXAMPLES.sessionLost, evidence: text });
        assert.doesNotMatch(line, /[\p{Cc}]|\$\(|\]\(/u);
      }),
    );
    const id = '3f2a9c1b-7d7e-4f60-9a53-0e1d2c3b4a59';
    assert.doesNotMatch(factLabel({ ...EXAMPLES.sessionLost, evidence: `no session ${id}` }), /4f60/);
  });
});
