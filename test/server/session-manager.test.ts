import assert from 'node:assert/strict';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { isResilientMcpError, SessionManager, type SessionRequest } from '../../src/server/index.ts';
import { settle } from '../support/held-clock.ts';
import { initialize, open, ping, refusal, served } from './served.ts';

const accept = 'application/json, text/event-stream';

describe('the session manager, on the wire', () => {
  it('gives each client a session of its own', async () => {
    await using server = await served();
    const [a, b] = [await server.connect(), await server.connect()];
    const add = (client: typeof a.client, amount: number) =>
      client.callTool({ name: 'add', arguments: { amount } });
    await add(a.client, 1);
    assert.deepEqual((await add(a.client, 2)).content, [{ type: 'text', text: '3' }]);
    assert.deepEqual((await add(b.client, 5)).content, [{ type: 'text', text: '5' }]);
    assert.equal(server.manager.sessions, 2);
    assert.notEqual(a.transport.sessionId, b.transport.sessionId);
    await Promise.all([a.client.close(), b.client.close()]);
  });

  it('answers 400 to a request without a session id, with the id of that request', async () => {
    await using server = await served();
    assert.deepEqual(await refusal(await server.post(ping)), [400, -32000, 7]);
    const get = await fetch(server.url, { headers: { accept: 'text/event-stream' } });
    assert.deepEqual(await refusal(get), [400, -32000, null]);
    assert.deepEqual(await refusal(await fetch(server.url, { method: 'DELETE' })), [400, -32000, null]);
  });

  it('answers 404 to an id that it does not know, and creates nothing', async () => {
    await using server = await served();
    const headers = { 'mcp-session-id': 'of-an-earlier-process' };
    assert.deepEqual(await refusal(await server.post(ping, headers)), [404, -32001, 7]);
    assert.deepEqual(await refusal(await fetch(server.url, { headers })), [404, -32001, null]);
    assert.deepEqual(await refusal(await fetch(server.url, { headers, method: 'DELETE' })), [
      404,
      -32001,
      null,
    ]);
    assert.equal(server.manager.sessions, 0);
  });

  it('opens a new session for an initialize that still carries an old id', async () => {
    await using server = await served();
    const response = await server.post(initialize, { 'mcp-session-id': 'of-an-earlier-process' });
    assert.equal(response.status, 200);
    assert.notEqual(response.headers.get('mcp-session-id'), 'of-an-earlier-process');
    assert.equal(server.manager.sessions, 1);
  });

  it('ends a session at DELETE, for good', async () => {
    await using server = await served();
    const headers = { 'mcp-session-id': await open(server) };
    assert.equal((await fetch(server.url, { method: 'DELETE', headers })).status, 200);
    assert.equal(server.manager.sessions, 0);
    assert.deepEqual(await refusal(await server.post(ping, headers)), [404, -32001, 7]);
    assert.equal(server.log.find(({ event }) => event === 'sessionEnded')?.reason, 'ended by its client');
  });

  it('forgets a session whose server closes itself', async () => {
    const made: McpServer[] = [];
    const factory = () => {
      const server = new McpServer({ name: 'closing', version: '1.0.0' });
      made.push(server);
      return server;
    };
    await using server = await served({ factory });
    const headers = { 'mcp-session-id': await open(server) };
    await made[0]?.close();
    assert.deepEqual(await refusal(await server.post(ping, headers)), [404, -32001, 7]);
  });

  it('ends a session that has been idle for idleMs, and not before', async () => {
    await using server = await served({ idleMs: 1000 });
    const headers = { 'mcp-session-id': await open(server) };
    await server.clock.advance(999);
    await (await server.post(ping, headers)).text();
    await server.clock.advance(999);
    assert.equal(server.manager.sessions, 1);
    await server.clock.advance(1);
    assert.equal(server.manager.sessions, 0);
    assert.deepEqual(await refusal(await server.post(ping, headers)), [404, -32001, 7]);
  });

  it('does not take a session for idle while a stream of it is open, whatever else has ended', async () => {
    await using server = await served({ idleMs: 1000 });
    const headers = { 'mcp-session-id': await open(server), accept: 'text/event-stream' };
    for (const _ of ['a first stream', 'a second one']) {
      const leave = new AbortController();
      const stream = await fetch(server.url, { headers, signal: leave.signal });
      assert.equal(stream.status, 200);
      await (await server.post(ping, { 'mcp-session-id': headers['mcp-session-id'] })).text();
      await server.clock.advance(10_000);
      assert.equal(server.manager.sessions, 1);
      leave.abort();
      while (server.clock.pending === 0) await settle();
    }
    await server.clock.advance(1000);
    assert.equal(server.manager.sessions, 0);
  });

  it('takes a body that nobody reads for under way, until it is given up', async () => {
    await using server = await served({ idleMs: 1000 });
    const headers = { 'mcp-session-id': await open(server), 'content-type': 'application/json', accept };
    const request = new Request(server.url, { method: 'POST', body: JSON.stringify(ping), headers });
    const response = await server.manager.handle(request);
    await server.clock.advance(10_000);
    assert.equal(server.manager.sessions, 1);
    await response.body?.cancel();
    await server.clock.advance(1000);
    assert.equal(server.manager.sessions, 0);
  });

  it('does not take a session for idle while a request of it is under way', async () => {
    let finish = () => {};
    const factory = () => {
      const server = new McpServer({ name: 'slow', version: '1.0.0' });
      server.registerTool('wait', {}, async () => {
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        return { content: [] };
      });
      return server;
    };
    await using server = await served({ idleMs: 1000, factory });
    const headers = { 'mcp-session-id': await open(server) };
    const answer = await server.post({ ...ping, method: 'tools/call', params: { name: 'wait' } }, headers);
    await server.clock.advance(10_000);
    assert.equal(server.manager.sessions, 1);
    finish();
    assert.match(await answer.text(), /"id":7/);
  });

  it('keeps no session for an opening request that is refused', async () => {
    await using server = await served();
    assert.equal((await server.post(initialize, { accept: 'text/html' })).status, 406);
    assert.equal((await server.post(initialize, { 'content-type': 'text/plain' })).status, 415);
    assert.equal((await server.post([initialize, ping])).status, 400);
    assert.equal(server.manager.sessions, 0);
  });

  it('answers 500 without details when the factory throws, and keeps nothing', async () => {
    const factory = () => assert.fail('the database password is wrong');
    await using server = await served({ factory });
    const response = await server.post(initialize);
    const text = await response.clone().text();
    assert.deepEqual(await refusal(response), [500, -32603, null]);
    assert.doesNotMatch(text, /password/);
    assert.equal(server.manager.sessions, 0);
    assert.equal(server.log.at(-1)?.reason, 'the database password is wrong');
  });

  it('refuses what is no JSON, and what is too large of it', async () => {
    await using server = await served({ maxBodyBytes: 1000 });
    assert.deepEqual(await refusal(await server.post('{')), [400, -32700, null]);
    assert.deepEqual(await refusal(await server.post('')), [400, -32700, null]);
    assert.deepEqual(await refusal(await server.post(`"${'x'.repeat(999)}"`)), [413, -32000, null]);
    const headers = { 'mcp-session-id': await open(server) };
    assert.equal((await server.post(`"${'x'.repeat(999)}"`, headers)).status, 413);
  });

  it('refuses a request that is nested too deep, or that says twice what only one can be, with its id', async () => {
    await using server = await served();
    const headers = { 'mcp-session-id': await open(server) };
    const nested = (depth: number) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    const post = (text: string) => server.post(text, headers);
    for (const depth of [1000, 8000, 100_000]) {
      const text = `{"jsonrpc":"2.0","id":"deep","method":"tools/call","params":${nested(depth)}}`;
      assert.deepEqual(await refusal(await post(text)), [400, -32600, 'deep']);
    }
    const twice = '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}';
    assert.deepEqual(await refusal(await post(twice)), [400, -32600, 1]);
    const ping = `{"jsonrpc":"2.0","id":2,"method":"ping","params":{"_meta":${nested(990)}}}`;
    assert.equal((await post(ping)).status, 200);
  });

  it('refuses a large body whose length is not announced without reading all of it', async () => {
    await using server = await served({ maxBodyBytes: 1000 });
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 1000;
        controller.enqueue(new Uint8Array(1000));
      },
    });
    const body = { method: 'POST', body: endless, duplex: 'half' } as RequestInit;
    assert.deepEqual(await refusal(await fetch(server.url, body)), [413, -32000, null]);
    assert.ok(sent < 50_000_000, `${sent} bytes were taken`);
  });

  it('answers 405 with the methods that there are', async () => {
    await using server = await served();
    const response = await fetch(server.url, { method: 'PUT' });
    assert.equal(response.headers.get('allow'), 'GET, POST, DELETE');
    assert.deepEqual(await refusal(response), [405, -32000, null]);
  });

  it('tells the factory why, for whom, and with what request a session is made', async () => {
    const asked: SessionRequest[] = [];
    const factory = (request: SessionRequest) => {
      asked.push(request);
      return new McpServer({ name: 'asked', version: '1.0.0' });
    };
    await using server = await served({ factory });
    const id = await open(server);
    assert.equal(asked[0]?.reason, 'new');
    assert.equal(asked[0]?.sessionId, id);
    assert.equal(asked[0]?.request.headers.get('content-type'), 'application/json');
  });

  it('writes no whole session id to the log, and survives a logger that throws', async () => {
    const records: object[] = [];
    const log = (record: object) => {
      records.push(record);
      throw new Error('the disk is full');
    };
    await using server = await served({ log });
    const headers = { 'mcp-session-id': await open(server) };
    await fetch(server.url, { method: 'DELETE', headers });
    await server.post(ping, headers);
    const text = JSON.stringify(records);
    assert.deepEqual(
      records.map((record) => ('event' in record ? record.event : '')),
      ['sessionOpened', 'sessionEnded', 'requestRefused'],
    );
    assert.ok(text.includes(`"session":"${headers['mcp-session-id'].slice(0, 8)}…"`), text);
    assert.ok(!text.includes(headers['mcp-session-id']), text);
  });

  it('after close() ends every session, leaves no timer, and answers 503', async () => {
    await using server = await served();
    const { client } = await server.connect();
    await open(server);
    await server.manager.close();
    assert.equal(server.manager.sessions, 0);
    assert.equal(server.clock.pending, 0);
    const response = await server.post(initialize);
    assert.equal(response.headers.get('retry-after'), '5');
    assert.deepEqual(await refusal(response), [503, -32000, null]);
    await client.close();
  });
});

describe('the options of the session manager', () => {
  for (const option of ['idleMs', 'maxSessions', 'retryAfterSeconds', 'maxBodyBytes']) {
    for (const value of [0, -1, Number.NaN]) {
      it(`refuse ${option} ${value} by name`, () => {
        const make = () => new SessionManager(() => assert.fail(), { [option]: value });
        assert.throws(
          make,
          (error: Error) =>
            isResilientMcpError(error, 'INVALID_CONFIGURATION') && error.message.includes(option),
        );
      });
    }
  }
});
