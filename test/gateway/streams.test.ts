import assert from 'node:assert/strict';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { ElicitResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { until } from '../../harness/until.ts';
import { type JournalEntry, ResilientTransport } from '../../src/client/index.ts';
import { MAX_UNREAD_BYTES } from '../../src/endpoint/streams/event-stream.ts';
import { CuttingProxy } from '../chaos/cutting-proxy.ts';
import { served } from '../server/served.ts';
import { quick } from '../support/connected.ts';
import { EventReader } from '../support/event-reader.ts';
import { messagesOf } from '../support/messages-of.ts';
import type { RpcMessage } from '../support/scripted/request.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { textOf } from '../support/sdk-client.ts';
import { opened, plain, WireTo } from './gateways.ts';

/** A server whose tool says three things about its call and one about itself, and then asks. */
function talking() {
  const factory = () => {
    const server = new McpServer({ name: 'talking', version: '1.0.0' }, { capabilities: { logging: {} } });
    server.registerTool('talk', {}, async ({ sendNotification, sendRequest, _meta }) => {
      const progressToken = _meta?.progressToken ?? 0;
      const params = { progressToken, progress: 1 };
      await sendNotification({
        method: 'notifications/message',
        params: { level: 'info', data: progressToken },
      });
      await sendNotification({ method: 'notifications/progress', params });
      server.sendToolListChanged();
      const requestedSchema = { type: 'object', properties: {} } as const;
      const question = {
        method: 'elicitation/create',
        params: { message: 'Go on?', requestedSchema },
      } as const;
      const { action } = await sendRequest(question, ElicitResultSchema);
      return { content: [{ type: 'text', text: action }] };
    });
    return server;
  };
  return served({ factory });
}

const talk = (id: string) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'talk', arguments: {}, _meta: { progressToken: `of ${id}` } },
});

/** What a client says that can be asked. */
class AskedWire extends WireTo {
  override async open(): Promise<this> {
    const clientInfo = { name: 'wire', version: '1' };
    const params = { protocolVersion: '2025-11-25', capabilities: { elicitation: {} }, clientInfo };
    const response = await this.send('initialize', params);
    this.sessionId = response.headers.get('mcp-session-id') ?? undefined;
    await response.text();
    await this.fetch('POST', { jsonrpc: '2.0', method: 'notifications/initialized' });
    return this;
  }

  async answer(question: RpcMessage, result: object): Promise<void> {
    await this.fetch('POST', { jsonrpc: '2.0', id: question.id, result });
  }
}

describe('the streams of a client', () => {
  it('bring what is about a call on the stream of that call, and everything else on its own', async () => {
    await using upstream = await talking();
    const connection = new ResilientTransport(upstream.url, quick);
    await using gateway = await opened(upstream.url, { upstream: { open: () => connection } });
    const listening = until<JournalEntry>(
      (listener) => connection.journal.subscribe(listener),
      ({ kind }) => kind === 'streamOpened',
    );
    const wire = await new AskedWire(gateway).open();
    // What the server says of itself before there is a stream for it is lost at the server.
    await listening;
    const own = new EventReader(await wire.fetch('GET'));
    const calls = await Promise.all(
      ['a', 'b', 'c'].map(async (id) => ({
        id,
        stream: new EventReader(await wire.fetch('POST', talk(id))),
      })),
    );
    for (const { id, stream } of calls) {
      const token = `of ${id}`;
      const log = await stream.message();
      assert.deepEqual([log.method, log.params?.data], ['notifications/message', token]);
      const progress = await stream.message();
      assert.deepEqual([progress.method, progress.params?.progressToken], ['notifications/progress', token]);
      const question = await stream.message();
      assert.equal(question.method, 'elicitation/create');
      await wire.answer(question, { action: 'decline' });
      const { result } = (await stream.message()) as { result?: { content?: unknown } };
      assert.deepEqual(result?.content, [{ type: 'text', text: 'decline' }]);
      assert.equal(await stream.next(), undefined);
    }
    for (const _ of calls) assert.equal((await own.message()).method, 'notifications/tools/list_changed');
  });

  it('can be taken up again by a client whose stream of a call broke: the rest comes, once', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const wire = await new WireTo(gateway).open();
    const hold = server.hold({ tool: 'count' });
    const broken = new EventReader(await wire.call('a'));
    const { id = '' } = (await broken.next()) ?? {};
    assert.notEqual(id, '');
    await hold.arrived();
    await broken.leave();
    const resumed = new EventReader(await wire.fetch('GET', undefined, { 'last-event-id': id }));
    hold.release();
    assert.match(JSON.stringify((await resumed.message()) as object), /ran a/);
    assert.equal(await resumed.next(), undefined);
    assert.equal(server.runs('a'), 1);
    assert.equal(server.count({ tool: 'count' }), 1);
  });

  it('bring the rest as the text that it was', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const wire = await new WireTo(gateway).open();
    const gate = Promise.withResolvers<void>();
    const text = '{"result":{"n":9007199254740993,"a":1.0,"a":"\\u0041"}, "jsonrpc":"2.0","id":2}';
    server.answerNext(
      { tool: 'count' },
      {
        status: 200,
        headers: { 'content-type': 'text/event-stream' },
        body: (async function* () {
          yield ': begun\n\n';
          await gate.promise;
          yield `data: ${text}\n\n`;
        })(),
      },
    );
    const broken = new EventReader(await wire.call('a'));
    const { id = '' } = (await broken.next()) ?? {};
    await broken.leave();
    const resumed = new EventReader(await wire.fetch('GET', undefined, { 'last-event-id': id }));
    gate.resolve();
    assert.equal((await resumed.next())?.data, text);
  });

  it('bring what was missed on a client’s own stream, and nothing twice', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const wire = await new WireTo(gateway).open();
    const first = new EventReader(await wire.fetch('GET'));
    await server.answered({ method: 'GET' });
    const log = (data: string) => server.notify('notifications/message', { level: 'info', data });
    log('heard');
    let seen = await first.next();
    while (seen?.data === '') seen = await first.next();
    assert.match(seen?.data ?? '', /heard/);
    log('missed');
    // The message has left the gateway, on a stream that nobody reads any more.
    assert.match((await first.message()).params?.data as string, /missed/);
    await first.leave();
    const second = new EventReader(await wire.fetch('GET', undefined, { 'last-event-id': seen?.id ?? '' }));
    assert.equal((await second.message()).params?.data, 'missed');
    log('new');
    assert.equal((await second.message()).params?.data, 'new');
  });

  it('let the SDK’s own client go on with a call whose connection to the gateway was cut', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    await using proxy = await CuttingProxy.start(Number(new URL(gateway.url).port));
    const { authorization } = gateway;
    const url = `http://127.0.0.1:${proxy.port}/one/mcp`;
    await using downstream = await plain({ url, authorization });
    const hold = server.hold({ tool: 'count' });
    const begun = Promise.withResolvers<unknown>();
    const params = { name: 'count', arguments: { key: 'a' } };
    const calling = downstream.client.callTool(params, undefined, { onprogress: begun.resolve });
    await hold.arrived();
    hold.send(({ message }) => {
      const meta = message?.params?._meta as { progressToken: number } | undefined;
      const progress = { progressToken: meta?.progressToken, progress: 1 };
      return { jsonrpc: '2.0', method: 'notifications/progress', params: progress };
    });
    await begun.promise;
    proxy.cut(() => true);
    hold.release();
    assert.equal(textOf(await calling), 'ran a');
    assert.equal(server.runs('a'), 1);
  });

  it('are broken off for a client that does not read, which loses nothing else by it', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const wire = await new WireTo(gateway).open();
    const unread = await wire.fetch('GET');
    await server.answered({ method: 'GET' });
    const data = 'x'.repeat(1024 * 1024);
    // Twice as much as may wait: the rest of it is more than the sockets between the two take.
    const sent = (2 * MAX_UNREAD_BYTES) / data.length;
    for (let count = 0; count < sent; count++)
      server.notify('notifications/message', { level: 'info', data });
    assert.match(JSON.stringify(await messagesOf(await wire.call('a'))), /ran a/);
    // Refused for as long as the other is open.
    let next = await wire.fetch('GET');
    while (next.status === 409) next = await wire.fetch('GET');
    assert.equal(next.status, 200);
    await next.body?.cancel();
    await assert.rejects(unread.text());
  });
});
