import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { ListRootsResultSchema } from '@modelcontextprotocol/sdk/types.js';
import express from 'express';
import { Hono } from 'hono';
import {
  expressHandler,
  honoHandler,
  type LogRecord,
  nodeListener,
  SessionManager,
} from '../../src/server/index.ts';
import { initialize } from './served.ts';

type Ask = (init: RequestInit) => Promise<Response>;

async function over(listener: RequestListener): Promise<{ ask: Ask } & Disposable> {
  const http = createServer(listener);
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`;
  return {
    ask: (init) => fetch(url, init),
    [Symbol.dispose]() {
      http.closeAllConnections();
      http.close();
    },
  };
}

const adapters: Readonly<Record<string, (manager: SessionManager) => Promise<{ ask: Ask } & Disposable>>> = {
  'the listener for node:http': (manager) => over(nodeListener(manager)),
  'the handler for Express': (manager) => over(express().all('/mcp', expressHandler(manager))),
  'the handler for Express behind express.json()': (manager) =>
    over(express().use(express.json()).all('/mcp', expressHandler(manager))),
  'the handler for Hono': async (manager) => {
    const app = new Hono().all('/mcp', honoHandler(manager));
    const ask: Ask = async (init) => app.request(new Request('http://localhost/mcp', init));
    return { ask, [Symbol.dispose]() {} };
  },
};

const both = 'application/json, text/event-stream';
const headers = { accept: both, 'content-type': 'application/json' };

/** A call that waits has begun, and may end. */
let waiting = Promise.withResolvers<void>();
let go = Promise.withResolvers<void>();

/** Its tools say something before they answer, ask the client something, or answer at once. */
function talker(): McpServer {
  const server = new McpServer({ name: 'talker', version: '1.0.0' }, { capabilities: { logging: {} } });
  const answer = (text: string) => ({ content: [{ type: 'text' as const, text }] });
  server.registerTool('wait', {}, async () => {
    waiting.resolve();
    await go.promise;
    return answer('waited');
  });
  server.registerTool('quiet', {}, () => answer('quiet'));
  server.registerTool('talk', {}, async ({ sendNotification }) => {
    await sendNotification({ method: 'notifications/message', params: { level: 'info', data: 'first' } });
    return answer('talked');
  });
  server.registerTool('ask', {}, async ({ sendRequest }) => {
    const roots = sendRequest({ method: 'roots/list' }, ListRootsResultSchema);
    return answer(
      await roots.then(
        ({ roots: [root] }) => root?.uri ?? 'none',
        (error: Error) => error.message,
      ),
    );
  });
  return server;
}

const call = (tool: string, id: number | string = 5) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: tool },
});

const result = (text: string, id: number | string = 5) => ({
  jsonrpc: '2.0',
  id,
  result: { content: [{ type: 'text', text }] },
});

/** A session of a client that takes JSON alone, and what it is answered. */
async function alone(server: { ask: Ask }, accept: string | undefined) {
  const own: Record<string, string> = { ...headers };
  // An empty one is what fetch cannot leave out.
  own.accept = accept ?? '';
  const send = (body: unknown, more: Record<string, string> = {}) =>
    server.ask({ method: 'POST', headers: { ...own, ...more }, body: JSON.stringify(body) });
  const opened = await send(initialize);
  assert.equal(opened.status, 200);
  const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
  await opened.text();
  return { opened, session, post: (body: unknown) => send(body, session) };
}

for (const [name, make] of Object.entries(adapters)) {
  describe(`${name} is lax in what it takes (issue 12, §4)`, () => {
    let manager: SessionManager;
    let server: { ask: Ask } & Disposable;
    const log: LogRecord[] = [];

    beforeEach(async () => {
      log.length = 0;
      waiting = Promise.withResolvers();
      go = Promise.withResolvers();
      const key = 'the key of the tests, of 32 characters or more';
      manager = new SessionManager(talker, {
        key,
        log: (record) => log.push(record),
        resumableStreams: true,
      });
      server = await make(manager);
    });
    afterEach(async () => {
      server[Symbol.dispose]();
      await manager.close();
    });

    it('a DELETE that calls its missing body JSON, as every client in Python sends it: the session is over', async () => {
      const { session } = await alone(server, both);
      assert.equal(manager.sessions, 1);
      const ended = await server.ask({ method: 'DELETE', headers: { ...headers, ...session } });
      assert.equal(ended.status, 200);
      assert.equal(manager.sessions, 0);
    });

    it('a session id that a hop gives twice, with one value; not two of them', async () => {
      const { session } = await alone(server, both);
      const id = session['mcp-session-id'];
      const statuses: number[] = [];
      for (const [nth, given] of [`${id}, ${id}`, `${id}, another`].entries()) {
        const twice = { ...headers, 'mcp-session-id': given };
        const body = JSON.stringify(call('quiet', nth));
        const answer = await server.ask({ method: 'POST', headers: twice, body });
        await answer.text();
        statuses.push(answer.status);
      }
      assert.deepEqual(statuses, [200, 400]);
      const twice = { ...headers, 'mcp-session-id': `${id}, ${id}` };
      assert.equal((await server.ask({ method: 'DELETE', headers: twice })).status, 200);
      assert.equal(manager.sessions, 0);
    });

    for (const accept of [
      '*/*',
      'APPLICATION/json, TEXT/event-stream',
      'application/*, text/*;q=0.5',
      undefined,
    ]) {
      it(`Accept: ${accept ?? 'none'}: as if both types were named`, async () => {
        const { opened, post, session } = await alone(server, accept);
        assert.equal(opened.headers.get('content-type'), 'text/event-stream');
        assert.match(await (await post(call('talk'))).text(), /"first".*"talked"/s);
        const stream = await server.ask({ headers: { ...session, accept: accept ?? '' } });
        assert.equal(stream.status, 200);
        await stream.body?.cancel();
      });
    }

    for (const accept of [
      'application/json',
      'Application/JSON;q=0.9',
      'application/*',
      'application/json, */*;q=0',
    ]) {
      it(`Accept: ${accept}: answered as JSON, also where something had to be said before`, async () => {
        const { opened, post, session } = await alone(server, accept);
        assert.equal(opened.headers.get('content-type'), 'application/json');
        assert.equal((await post({ jsonrpc: '2.0', method: 'notifications/initialized' })).status, 202);
        for (const [tool, text] of [
          ['quiet', 'quiet'],
          ['talk', 'talked'],
        ] as const) {
          const answer = await post(call(tool));
          assert.equal(answer.headers.get('content-type'), 'application/json');
          assert.deepEqual(await answer.json(), result(text));
        }
        assert.deepEqual(
          log.filter(({ event }) => event === 'messageDropped').map(({ reason }) => reason),
          ['notifications/message: the client takes JSON alone, and has no stream open'],
        );
        const refused = await server.ask({ headers: { ...session, accept } });
        assert.equal(refused.status, 406);
        await refused.text();
      });
    }

    it('JSON alone beside a stream of its own: what is said before goes there', async () => {
      const { post, session } = await alone(server, 'application/json');
      const stream = await server.ask({ headers: { ...session, accept: 'text/event-stream' } });
      assert.deepEqual(await (await post(call('talk'))).json(), result('talked'));
      const reader = stream.body?.getReader();
      let heard = '';
      while (!heard.includes('first')) heard += new TextDecoder().decode((await reader?.read())?.value);
      await reader?.cancel();
      assert.deepEqual(
        log.filter(({ event }) => event === 'messageDropped'),
        [],
      );
    });

    it('JSON alone: a question that nobody can hear is answered in words, so that no call hangs', async () => {
      const { post } = await alone(server, 'application/json');
      await post({ jsonrpc: '2.0', method: 'notifications/initialized' });
      const answer = await (await post(call('ask'))).json();
      assert.match(answer.result.content[0].text, /takes JSON alone/);
    });

    it('JSON alone: a batch is answered by one', async () => {
      const { post } = await alone(server, 'application/json');
      const answers = await (await post([call('talk', 1), call('quiet', 'two')])).json();
      assert.deepEqual(answers, [result('talked', 1), result('quiet', 'two')]);
    });

    for (const accept of ['text/html', 'text/event-stream', 'application/json;q=0', 'application/jsonl']) {
      it(`Accept: ${accept} is refused with 406`, async () => {
        const init = { method: 'POST', headers: { ...headers, accept }, body: JSON.stringify(initialize) };
        assert.equal((await server.ask(init)).status, 406);
      });
    }
  });
}
