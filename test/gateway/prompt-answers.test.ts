import assert from 'node:assert/strict';
import { HEAD_LIMIT_MS, PROMPT_MS } from '../../src/endpoint/session/post-answer.ts';
import type { OpenHow } from '../../src/hub/gateway/index.ts';
import { EventReader } from '../support/event-reader.ts';
import { HeldClock, settle } from '../support/held-clock.ts';
import { messagesOf } from '../support/messages-of.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { Ledger, openLedger, stopped } from '../support/stdio/ledger.ts';
import { opened, WireTo } from './gateways.ts';

const typeOf = ({ headers }: Response) => headers.get('content-type');

/** A gateway whose time stands still, and a client without the SDK. */
async function held() {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await ScriptedServer.start());
  const clock = new HeldClock();
  const gateway = stack.use(await opened(server.url, { clock }));
  const wire = await new WireTo(gateway).open();
  return { server, clock, gateway, wire, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const call = (key: string) => ({
  jsonrpc: '2.0',
  id: key,
  method: 'tools/call',
  params: { name: 'count', arguments: { key } },
});

describe('the answer to a call', () => {
  it('is JSON in one piece, when it comes at once and alone', async () => {
    await using world = await held();
    const answer = await world.wire.call('a');
    assert.equal(typeOf(answer), 'application/json');
    assert.ok(answer.headers.has('content-length'));
    assert.match(JSON.stringify(await messagesOf(answer)), /ran a/);
  });

  it('is JSON in one piece also when it takes long, when the server answers with JSON', async () => {
    await using world = await held();
    const { server, clock, wire } = world;
    const gate = Promise.withResolvers<void>();
    const text = 'x'.repeat(2 * 1024 * 1024);
    server.answerNext({ tool: 'count' }, ({ id }) => ({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: (async function* () {
        yield '{"jsonrpc":"2.0",';
        await gate.promise;
        yield `"id":${id},"result":{"content":[{"type":"text","text":"${text}"}]}}`;
      })(),
    }));
    const calling = wire.call('a');
    await server.answered({ tool: 'count' });
    await clock.advance(HEAD_LIMIT_MS - 1);
    gate.resolve();
    const answer = await calling;
    assert.equal(typeOf(answer), 'application/json');
    assert.equal(
      (await answer.text()).length,
      text.length + '{"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":""}]}}'.length,
    );
  });

  it('is a stream that says that it is there, before its client gives up waiting for a head', async () => {
    await using world = await held();
    const { server, clock, wire } = world;
    server.style = { answers: 'json' };
    const hold = server.hold({ tool: 'count' });
    const calling = wire.call('a');
    await hold.arrived();
    await clock.advance(HEAD_LIMIT_MS);
    const answer = await calling;
    assert.equal(typeOf(answer), 'text/event-stream');
    hold.release();
    assert.match(JSON.stringify(await new EventReader(answer).message()), /ran a/);
  });

  it('is JSON also when it takes long, of a program, and a stream once that has something to say before', async () => {
    using ledger = new Ledger();
    const clock = new HeldClock();
    const open = (how: OpenHow) => openLedger(ledger, how);
    await using gateway = await opened('', { clock, upstream: { open } });
    const wire = await new WireTo(gateway).open();
    await stopped(ledger.pid);
    let isAnswered = false;
    const calling = wire.call('a').finally(() => {
      isAnswered = true;
    });
    await settle();
    await clock.advance(60_000);
    assert.ok(!isAnswered);
    process.kill(ledger.pid, 'SIGCONT');
    const answer = await calling;
    assert.equal(typeOf(answer), 'application/json');
    assert.match(await answer.text(), /ran a/);
    const asked = await wire.call('b', 'ask');
    assert.equal(typeOf(asked), 'text/event-stream');
    assert.equal((await new EventReader(asked).message()).method, 'roots/list');
  });

  it('is a stream from which its client can go on, when the server has begun one and takes longer', async () => {
    await using world = await held();
    const { server, clock, wire } = world;
    const hold = server.hold({ tool: 'count' });
    let answered = false;
    const calling = wire.call('a').finally(() => {
      answered = true;
    });
    await hold.arrived();
    await clock.isSet(PROMPT_MS);
    await clock.advance(PROMPT_MS - 1);
    // A whole exchange later a head that had been sent would be here.
    await wire.send('ping');
    assert.ok(!answered);
    await clock.advance(1);
    const answer = await calling;
    assert.equal(typeOf(answer), 'text/event-stream');
    const stream = new EventReader(answer);
    const first = await stream.next();
    assert.ok(first?.data === '' && first.id !== '');
    hold.release();
    assert.match(JSON.stringify(await stream.message()), /ran a/);
    assert.equal(await stream.next(), undefined);
  });

  it('is a stream at once, when the server has something else to say before', async () => {
    await using world = await held();
    const { server, wire } = world;
    const hold = server.hold({ tool: 'count' });
    const params = { name: 'count', arguments: { key: 'a' }, _meta: { progressToken: 1 } };
    const calling = wire.fetch('POST', { jsonrpc: '2.0', id: 'a', method: 'tools/call', params });
    await hold.arrived();
    const progress = {
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progressToken: 1, progress: 1 },
    };
    hold.send(() => progress);
    const stream = new EventReader(await calling);
    assert.deepEqual(await stream.message(), progress);
    hold.release();
    assert.match(JSON.stringify(await stream.message()), /ran a/);
  });

  it('holds all of a batch, those included that were there before it became a stream', async () => {
    await using world = await held();
    const { server, clock, wire } = world;
    const hold = server.hold({ key: 'b' });
    const calling = wire.fetch('POST', ['a', 'b', 'c'].map(call), { 'mcp-protocol-version': '2025-03-26' });
    await hold.arrived();
    await server.answered({ key: 'a' });
    await server.answered({ key: 'c' });
    await clock.isSet(PROMPT_MS);
    await clock.advance(PROMPT_MS);
    const answer = await calling;
    assert.equal(typeOf(answer), 'text/event-stream');
    hold.release();
    const answers = JSON.stringify(await messagesOf(answer));
    for (const key of ['a', 'b', 'c']) assert.match(answers, new RegExp(`ran ${key}`));
  });

  it('says that it may have run, when its client ends the session meanwhile', async () => {
    await using world = await held();
    const { server, wire } = world;
    const hold = server.hold({ tool: 'count' });
    const calling = wire.call('a');
    await hold.arrived();
    await wire.fetch('DELETE');
    const answer = await calling;
    assert.equal(answer.status, 200);
    assert.match(JSON.stringify(await messagesOf(answer)), /"error".*may or may not have run/);
    hold.release();
  });

  it('that nobody waits for any more harms nobody', async () => {
    await using world = await held();
    const { server, gateway, wire } = world;
    const hold = server.hold({ key: 'a' });
    const leaving = new AbortController();
    const calling = fetch(gateway.url, {
      method: 'POST',
      headers: {
        ...gateway.authorization,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'mcp-session-id': wire.sessionId ?? '',
      },
      body: JSON.stringify(call('a')),
      signal: leaving.signal,
    });
    await hold.arrived();
    leaving.abort();
    await assert.rejects(calling);
    hold.release();
    await server.answered({ key: 'a' });
    assert.match(JSON.stringify(await messagesOf(await wire.call('b'))), /ran b/);
  });

  for (const [what, params] of [
    ['no version', { capabilities: {}, clientInfo: { name: 'a', version: '1' } }],
    ['no capabilities', { protocolVersion: '2025-11-25', clientInfo: { name: 'a', version: '1' } }],
    ['no name', { protocolVersion: '2025-11-25', capabilities: {} }],
  ] as const) {
    it(`is a refusal that says what is missing, for an initialize with ${what}`, async () => {
      await using server = await ScriptedServer.start();
      await using gateway = await opened(server.url);
      const answer = await new WireTo(gateway).send('initialize', params);
      assert.equal(answer.status, 400);
      assert.match(await answer.text(), /protocolVersion, capabilities and clientInfo/);
      assert.equal(gateway.gateway.sessions, 0);
      assert.equal(server.count({ rpc: 'initialize' }), 0);
    });
  }
});
