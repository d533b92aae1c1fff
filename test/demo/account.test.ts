import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { Account, wordsFor } from '../../examples/demo/account.ts';
import type { Fact } from '../../src/client/observe/journal.ts';

/** Where an account is written to, in place of a terminal or a pipe. */
function anOutput(isTTY: boolean) {
  let written = '';
  const sink = new Writable({
    write(chunk, _encoding, done) {
      written += chunk;
      done();
    },
  });
  const out = Object.assign(sink, { isTTY, columns: 40 }) as unknown as NodeJS.WriteStream;
  return { out, text: () => written };
}

const entry = (fact: Fact) => ({ ...fact, seq: 1, at: 0 });

describe('the account of the demo', () => {
  it('tells events alike in one line with their number, at the latest when it is closed', () => {
    const { out, text } = anOutput(false);
    const account = new Account(out, () => 'progress');
    for (let n = 0; n < 3; n++) account.gather('ledger', 'lost: fetch failed', 'bad', 60_000);
    account.gather('ledger', 'lost: Not connected', 'bad', 60_000);
    assert.equal(text(), '');
    account.close();
    assert.match(
      text(),
      /^ +\d\.\d s {2}ledger {6}3 calls lost: fetch failed\n.* 1 call lost: Not connected\n$/,
    );
  });

  it('keeps a progress line within the width of a terminal, and wipes it before each event', () => {
    const { out, text } = anOutput(true);
    const account = new Account(out, () => 'p'.repeat(100));
    account.tell('ledger', 'killed');
    account.close();
    const [, before, progress, after] = text().split('\r\u001b[2K');
    assert.match(before ?? '', /ledger {6}killed\n$/);
    assert.equal(stripVTControlCharacters(progress ?? '').length, 39);
    assert.equal(after, '');
  });

  it('tells what matters of a connection, and leaves out what only makes the account longer', () => {
    const opened = {
      kind: 'sessionOpened',
      session: 'abc',
      protocolVersion: '2025-11-25',
      server: 'ledger 1.0.0',
      durationMs: 3,
    } as const;
    assert.equal(
      wordsFor(entry({ ...opened, generation: 1 }))?.words,
      'session 1 opened (ledger 1.0.0, MCP 2025-11-25)',
    );
    assert.equal(wordsFor(entry({ ...opened, generation: 2 })), undefined);
    assert.equal(
      wordsFor(entry({ kind: 'sessionReplaced', generation: 3, previous: 2, cause: 'x', durationMs: 1234 }))
        ?.words,
      'session 3 replaces session 2, 1.2 s after the first sign',
    );
    assert.equal(wordsFor(entry({ kind: 'streamOpened', generation: 3 })), undefined);
  });
});
