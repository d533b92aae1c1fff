import assert from 'node:assert/strict';
import { connected } from '../support/connected.ts';
import { isFailure } from '../support/failure.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

const limits = { maxEventLength: 10_000, maxBodyBytes: 10_000 };

describe('an answer that is too long', () => {
  for (const answers of ['json', 'sse'] as const) {
    it(`fails its one call, which ran once, though it only reads; the session goes on (${answers})`, async () => {
      await using server = await ScriptedServer.start({ style: { answers } });
      await using scenario = await connected(server.url, { limits });
      await scenario.client.listTools();
      const call = { name: 'peek', arguments: { key: 'a', bytes: 100_000 } };
      const failure = await scenario.client.callTool(call).catch((error: unknown) => error);
      assert.ok(isFailure(failure, 'LIMIT_EXCEEDED'), String(failure));
      assert.match(failure.message, answers === 'sse' ? /limits\.maxEventLength/ : /limits\.maxBodyBytes/);
      assert.equal(server.runs('a'), 1);
      assert.equal(await scenario.call('peek', 'b'), 'ran b');
      assert.equal(server.count({ rpc: 'initialize' }), 1);
    });
  }

  it('fails its one call also where it comes on the stream of the server, which is read on', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, { limits });
    await scenario.fact('streamOpened');
    server.answerNext({ tool: 'peek' }, { status: 202 });
    const calling = scenario.call('peek', 'a');
    await server.answered({ tool: 'peek' });
    const asked = server.requests.find(({ tool }) => tool === 'peek');
    const result = { content: [{ type: 'text', text: 'x'.repeat(100_000) }] };
    for (const { stream } of server.sessions) stream?.send({ jsonrpc: '2.0', id: asked?.id ?? 0, result });
    assert.equal(await calling, 'LIMIT_EXCEEDED');
    server.notify('notifications/tools/list_changed');
    await scenario.heard(1);
    assert.equal(server.count({ method: 'GET' }), 1);
  });
});

describe('a message of the server that is too long', () => {
  it('is passed over, and the stream is read on', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, { limits });
    await scenario.fact('streamOpened');
    server.notify('notifications/message', { level: 'info', data: 'x'.repeat(100_000) });
    server.notify('notifications/prompts/list_changed');
    await scenario.heard(1);
    assert.deepEqual(scenario.told, ['notifications/prompts/list_changed']);
    assert.equal(server.count({ method: 'GET' }), 1);
  });

  it('is answered with an error where it asks: the server would wait for ever', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url, { limits, client: { capabilities: { roots: {} } } });
    await scenario.fact('streamOpened');
    const answer = await server.ask('roots/list', { much: 'x'.repeat(100_000) });
    assert.match(String(answer.error?.message), /limits\.maxEventLength/);
  });
});
