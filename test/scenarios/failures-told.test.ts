import assert from 'node:assert/strict';
import type { ExchangeFailure } from '../../src/client/wire/wire.ts';
import { type Connected, connected } from '../support/connected.ts';
import { jsonReply, refusal, rpcError } from '../support/scripted/reply.ts';
import { ScriptedServer, type ScriptedServerOptions } from '../support/scripted-server.ts';

/** What was told of the failed exchanges of `tools/call`, without times. */
function failures({ facts }: Connected): Omit<ExchangeFailure, 'durationMs'>[] {
  return facts('exchangeFailed').flatMap((entry) => {
    if (entry.kind !== 'exchangeFailed' || entry.method !== 'tools/call') return [];
    const { method, tool, resuming, resumable, outcome, status, reason } = entry;
    return [{ method, tool, resuming, resumable, outcome, status, reason }];
  });
}

const common = { method: 'tools/call', tool: 'peek', resuming: false, resumable: false } as const;

describe('the journal of exchanges that failed', () => {
  const faults: Readonly<
    Record<
      string,
      readonly [fault: Parameters<ScriptedServer['answerNext']>[1], told: Partial<ExchangeFailure>]
    >
  > = {
    'a lost session': [
      refusal(404, -32001, 'Session not found'),
      { outcome: 'lost', status: 404, reason: '404: Session not found' },
    ],
    'an unclear refusal': [jsonReply(400, { what: 'ever' }), { outcome: 'unclear', status: 400 }],
    'a busy server': [{ status: 503 }, { outcome: 'unavailable', status: 503, reason: '503' }],
    'a refusal, without the page that came with it': [
      { status: 500, headers: { 'content-type': 'text/html' }, body: '<p>secret</p>' },
      { outcome: 'refused', status: 500, reason: '500' },
    ],
    'a refusal with its words': [
      refusal(500, -32603, 'no database'),
      { outcome: 'refused', status: 500, reason: '500: no database' },
    ],
    'a connection that breaks before the head of the answer': [
      'reset-after-run',
      { outcome: 'broken', status: undefined },
    ],
    'a stream that is cut': ['end-stream', { outcome: 'broken', status: 200 }],
    'a stream that is cut and can be resumed': [
      'cut-stream-after-event-id',
      { outcome: 'broken', status: 200, resumable: true },
    ],
  };
  for (const [what, [fault, told]] of Object.entries(faults)) {
    it(`tells of ${what}`, async () => {
      await using server = await ScriptedServer.start();
      await using scenario = await connected(server.url);
      await scenario.client.listTools();
      server.answerNext({ tool: 'peek' }, fault);
      await scenario.call('peek', 'a');
      const [failure] = failures(scenario);
      assert.deepEqual(failure, { ...common, reason: failure?.reason, ...told });
    });
  }

  it('tells of a server that is not there, and of each attempt', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await server.refuseConnections();
    const call = scenario.call('peek', 'a');
    await scenario.fact('attemptFailed', 2);
    await server.acceptConnections();
    assert.equal(await call, 'ran a');
    const pings = scenario
      .facts('exchangeFailed')
      .flatMap((entry) =>
        entry.kind === 'exchangeFailed' && entry.method === 'ping' ? [[entry.outcome, entry.status]] : [],
      );
    assert.ok(pings.length >= 2, JSON.stringify(pings));
    assert.deepEqual(pings.at(-1), ['unavailable', undefined]);
  });

  it('tells of a resumption that was refused', async () => {
    const options: ScriptedServerOptions = { style: { eventIds: true } };
    await using server = await ScriptedServer.start(options);
    await using scenario = await connected(server.url);
    await scenario.client.listTools();
    server.answerNext({ tool: 'peek' }, 'cut-stream-after-event-id');
    server.answerNext({ method: 'GET', resuming: true }, { status: 500 });
    assert.equal(await scenario.call('peek', 'a'), 'ran a');
    const [cut, resumed] = failures(scenario);
    assert.deepEqual([cut?.resuming, cut?.resumable], [false, true]);
    assert.deepEqual([resumed?.resuming, resumed?.status], [true, 500]);
  });

  it('tells of an answer that is an error by its code alone', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    server.answerNext({ tool: 'peek' }, rpcError(-32602, 'no such customer: Jane Doe'));
    await scenario.call('peek', 'a');
    const answered = scenario
      .facts('requestAnswered')
      .find((entry) => 'tool' in entry && entry.tool === 'peek');
    assert.equal(answered?.kind === 'requestAnswered' && answered.error, -32602);
    assert.doesNotMatch(JSON.stringify(scenario.transport.journal.entries), /Jane/);
    assert.deepEqual(failures(scenario), []);
  });
});
