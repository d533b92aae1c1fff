import assert from 'node:assert/strict';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { EmptyResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { settle } from '../support/held-clock.ts';
import { initialize, open, ping, refusal, served } from './served.ts';

const call = { ...ping, method: 'tools/call', params: { name: 'wait' } };

/** A server with a tool that waits, or asks its client, until it is let go. */
function waiting() {
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const factory = () => {
    const server = new McpServer({ name: 'waiting', version: '1.0.0' });
    server.registerTool('wait', {}, async () => {
      begun.resolve();
      await go.promise;
      return { content: [{ type: 'text', text: 'done' }] };
    });
    server.registerTool('ask', {}, async ({ sendRequest }) => {
      await sendRequest({ method: 'ping' }, EmptyResultSchema);
      return { content: [{ type: 'text', text: 'answered' }] };
    });
    return server;
  };
  return { factory, begun: begun.promise, go: () => go.resolve() };
}

describe('drain()', () => {
  it('finishes what is under way, refuses what is new, and leaves the sessions to the next process', async () => {
    const { factory, begun, go } = waiting();
    const server = await served({ factory });
    const headers = { 'mcp-session-id': await open(server) };
    const stream = await fetch(server.url, { headers: { ...headers, accept: 'text/event-stream' } });
    const answer = server.post(call, headers);
    await begun;
    const drained = server.manager.drain();
    assert.equal(await stream.text(), '');
    for (const response of [
      await server.post(ping, headers),
      await server.post(initialize),
      await fetch(server.url, { headers: { ...headers, accept: 'text/event-stream' } }),
    ]) {
      assert.equal(response.headers.get('retry-after'), '5');
      assert.equal((await refusal(response))[0], 503);
    }
    go();
    assert.match(await (await answer).text(), /done/);
    await drained;
    assert.equal(server.clock.pending, 0);
    await server[Symbol.asyncDispose]();
    await using next = await served();
    assert.equal((await next.post(ping, headers)).status, 200);
  });

  it('lets a client answer what a request under way has asked it', async () => {
    await using server = await served({ factory: waiting().factory });
    const headers = { 'mcp-session-id': await open(server) };
    const reader = (await server.post({ ...call, params: { name: 'ask' } }, headers)).body?.getReader();
    const question = new TextDecoder().decode((await reader?.read())?.value);
    const { id } = JSON.parse(/^data: (.*)$/m.exec(question)?.[1] ?? '{}');
    const drained = server.manager.drain();
    assert.equal((await server.post({ jsonrpc: '2.0', id, result: {} }, headers)).status, 202);
    assert.match(new TextDecoder().decode((await reader?.read())?.value), /answered/);
    await reader?.read();
    await drained;
  });

  it('breaks off what is still under way after timeoutMs', async () => {
    const { factory, begun } = waiting();
    await using server = await served({ factory });
    const headers = { 'mcp-session-id': await open(server) };
    const answer = await server.post(call, headers);
    await begun;
    const drained = server.manager.drain({ timeoutMs: 1000 });
    await settle();
    assert.equal(server.manager.sessions, 1);
    await server.clock.advance(1000);
    await drained;
    assert.equal(await answer.text(), '');
    assert.equal(server.manager.sessions, 0);
  });

  it('lets a client end its session', async () => {
    const { factory, begun, go } = waiting();
    await using server = await served({ factory });
    const headers = { 'mcp-session-id': await open(server) };
    void server.post(call, headers);
    await begun;
    const drained = server.manager.drain();
    assert.equal((await fetch(server.url, { method: 'DELETE', headers })).status, 200);
    await drained;
    go();
  });
});

describe('the limits of the session manager', () => {
  it('give one principal no more sessions in use than maxSessionsPerPrincipal, and others theirs', async () => {
    await using server = await served({
      maxSessionsPerPrincipal: 2,
      principalOf: (_, request) => request.headers.get('x-user') ?? undefined,
    });
    const ann = { 'x-user': 'ann' };
    const ids = [await open(server, ann), await open(server, ann)];
    const listen = (id: string) =>
      fetch(server.url, { headers: { ...ann, 'mcp-session-id': id, accept: 'text/event-stream' } });
    const streams = await Promise.all(ids.map(listen));
    const third = await server.post(initialize, ann);
    assert.equal(third.headers.get('retry-after'), '5');
    assert.deepEqual(await refusal(third), [429, -32000, 'first']);
    await open(server, { 'x-user': 'bob' });
    await fetch(server.url, { method: 'DELETE', headers: { ...ann, 'mcp-session-id': ids[0] ?? '' } });
    await open(server, ann);
    for (const stream of streams) await stream.body?.cancel();
  });

  it('refuse headers that are larger than maxHeaderBytes, before anything is looked up', async () => {
    await using server = await served({ maxHeaderBytes: 2000 });
    const response = await server.post(ping, { 'mcp-session-id': 'x'.repeat(2000) });
    assert.deepEqual(await refusal(response), [431, -32000, null]);
  });

  it('refuse an id with characters that no id may have', async () => {
    await using server = await served();
    for (const id of ['a b', 'caf\u00e9', '']) {
      const response = await server.post(ping, { 'mcp-session-id': id });
      assert.deepEqual(await refusal(response), [400, -32000, 7], JSON.stringify(id));
    }
  });

  it('count the sessions that are brought back', async () => {
    const first = await served();
    const ids = [await open(first), await open(first)];
    await first[Symbol.asyncDispose]();
    await using second = await served({ maxSessions: 1 });
    const listening = { 'mcp-session-id': ids[0] ?? '', accept: 'text/event-stream' };
    const stream = await fetch(second.url, { headers: listening });
    const refused = await second.post(ping, { 'mcp-session-id': ids[1] ?? '' });
    assert.equal(refused.headers.get('retry-after'), '5');
    assert.deepEqual(await refusal(refused), [503, -32000, 7]);
    await stream.body?.cancel();
  });
});

describe('a session whose server broke', () => {
  it('is cleaned up, and made again at the next request', async () => {
    let made = 0;
    const factory = () => {
      made += 1;
      const server = new McpServer({ name: 'breaking', version: '1.0.0' });
      const connect = server.connect.bind(server);
      server.connect = async (transport) => {
        await connect(transport);
        const take = transport.onmessage;
        transport.onmessage = (message, extra) => {
          if (made === 1 && 'method' in message && message.method === 'ping') throw new Error('broken');
          take?.(message, extra);
        };
      };
      return server;
    };
    await using server = await served({ factory });
    const headers = { 'mcp-session-id': await open(server) };
    assert.deepEqual(await refusal(await server.post(ping, headers)), [500, -32603, null]);
    assert.equal(server.manager.sessions, 0);
    assert.equal((await server.post(ping, headers)).status, 200);
  });
});

describe('a session that ends while its server is being made', () => {
  it('tells that server so, which could otherwise hold things for it for ever', async () => {
    const [begun, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let closed = 0;
    const factory = async () => {
      begun.resolve();
      await go.promise;
      const server = new McpServer({ name: 'slow', version: '1.0.0' });
      server.server.onclose = () => {
        closed += 1;
      };
      return server;
    };
    await using server = await served({ factory });
    const answer = server.post(initialize);
    await begun.promise;
    await server.manager.close();
    go.resolve();
    assert.equal((await refusal(await answer))[0], 500);
    assert.equal(closed, 1);
    assert.match(server.log.at(-1)?.reason ?? '', /ended meanwhile: the manager was closed/);
  });
});
