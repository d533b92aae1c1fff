import assert from 'node:assert/strict';
import { Journal, type JournalEntry } from '../../src/client/observe/journal.ts';
import { connected } from '../support/connected.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

describe('the journal that a connection shows', () => {
  it('tells and is subscribed to, and has no way to write', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    const { journal } = scenario.transport;
    assert.ok(!('record' in journal) && !(journal instanceof Journal));
    const heard: JournalEntry[] = [];
    const subscription = journal.subscribe((entry) => heard.push(entry));
    await scenario.client.listTools();
    subscription.dispose();
    const answered = heard.filter(({ kind }) => kind === 'requestAnswered');
    assert.equal(answered.length, 1);
    assert.ok(answered[0] && journal.entries.includes(answered[0]));
  });

  it('goes on when it is told by a reader that throws', () => {
    const journal = new Journal({ now: () => 1, capacity: 2 });
    journal.reader.subscribe(() => {
      throw new Error('a bad reader');
    });
    for (const generation of [1, 2, 3]) journal.record({ kind: 'streamOpened', generation });
    assert.deepEqual(
      journal.reader.entries.map(({ seq, generation, at }) => [seq, generation, at]),
      [
        [2, 2, 1],
        [3, 3, 1],
      ],
    );
  });
});
