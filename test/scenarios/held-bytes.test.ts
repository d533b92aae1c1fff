import assert from 'node:assert/strict';
import { connected } from '../support/connected.ts';
import type { HttpReply } from '../support/scripted/reply.ts';
import type { RequestRecord } from '../support/scripted/request.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { itDirectly } from '../support/way.ts';

const limits = { maxHeldBytes: 100_000 };

/** An answer of 80,000 bytes whose last ones come when they are let go. */
function slowly(end: Promise<void>, answers: 'json' | 'sse') {
  return ({ id }: RequestRecord): HttpReply => ({
    status: 200,
    headers: { 'content-type': answers === 'sse' ? 'text/event-stream' : 'application/json' },
    body: (async function* () {
      const text = 'x'.repeat(80_000);
      yield `${answers === 'sse' ? 'data: ' : ''}{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"${text}`;
      await end;
      yield `"}]}}${answers === 'sse' ? '\n\n' : ''}`;
    })(),
  });
}

describe('answers that are being read', () => {
  for (const answers of ['json', 'sse'] as const) {
    itDirectly(`are bounded together, over all connections of the process (${answers})`, async () => {
      await using server = await ScriptedServer.start();
      await using one = await connected(server.url, { limits });
      await using other = await connected(server.url, { limits });
      const end = Promise.withResolvers<void>();
      server.answerNext({ tool: 'count' }, slowly(end.promise, answers));
      const first = one.call('count', 'a');
      await server.answered({ tool: 'count' });
      server.answerNext({ tool: 'peek' }, slowly(end.promise, answers));
      // Whichever comes second is told; both are under way until then.
      const second = other.call('peek', 'b');
      const told = await Promise.race([first, second]);
      assert.equal(told, 'LIMIT_EXCEEDED');
      end.resolve();
      const results = [await first, await second];
      assert.deepEqual(results.map((each) => each.length).sort(), ['LIMIT_EXCEEDED'.length, 80_000].sort());
      server.answerNext({ tool: 'count' }, slowly(end.promise, answers));
      assert.equal((await one.call('count', 'c')).length, 80_000);
    });
  }

  it('hold nothing for the comments and the events of a long stream', async () => {
    await using server = await ScriptedServer.start();
    const event = `data: {"jsonrpc":"2.0","method":"notifications/x","params":{"a":"${'x'.repeat(1000)}"}}\n\n`;
    server.answerNext(
      { method: 'GET' },
      {
        status: 200,
        headers: { 'content-type': 'text/event-stream' },
        body: (async function* () {
          for (let index = 0; index < 200; index++) {
            yield `: ${'c'.repeat(1000)}\n\n`;
            yield event;
          }
        })(),
        ending: 'open',
      },
    );
    await using scenario = await connected(server.url, { limits });
    await scenario.heard(200);
    assert.equal(await scenario.call('count', 'a'), 'ran a');
  });
});
