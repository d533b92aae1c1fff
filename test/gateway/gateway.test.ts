import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { ElicitRequestSchema, ElicitResultSchema, type McpError } from '@modelcontextprotocol/sdk/types.js';
import { freePort } from '../../examples/demo/free-port.ts';
import { readLedger } from '../../examples/demo/ledger.ts';
import { ledgerServer } from '../../examples/demo/programs.ts';
import { SupervisedServer } from '../../examples/demo/supervised-server.ts';
import { until } from '../../examples/demo/until.ts';
import { Gateway, type GatewayOptions } from '../../src/gateway/index.ts';
import { isResilientMcpError } from '../../src/session/index.ts';
import { served } from '../server/served.ts';
import { quick } from '../support/connected.ts';
import { scratchFolder } from '../support/scratch.ts';
import { plainClient } from '../support/sdk-client.ts';

async function opened(url: string, options: Partial<GatewayOptions> = {}) {
  const gateway = new Gateway({ servers: { one: { ...quick, url } }, ...options });
  const port = await gateway.listen();
  return { gateway, url: `http://127.0.0.1:${port}/one/mcp`, [Symbol.asyncDispose]: () => gateway.close() };
}

describe('the gateway, in front of a server that is killed', () => {
  it('answers the next call of a plain client, which keeps the session that it had', async () => {
    using scratch = scratchFolder();
    const file = scratch.file('ledger.jsonl');
    const ledger = await SupervisedServer.start(ledgerServer({ port: await freePort(), file }));
    try {
      await using gateway = await opened(ledger.url);
      await using plain = await plainClient(gateway.url);
      await plain.call('append', { entry: 'before' });
      const session = plain.transport.sessionId;
      await ledger.restart();
      await plain.call('append', { entry: 'after' });
      assert.equal(plain.transport.sessionId, session);
      assert.deepEqual(
        readLedger(file).map(({ entry }) => entry),
        ['before', 'after'],
      );
    } finally {
      await ledger.stop();
    }
  });

  it('says of a call that may have run that it may have run, with the code as data, and runs it once', async () => {
    using scratch = scratchFolder();
    const file = scratch.file('ledger.jsonl');
    const ledger = await SupervisedServer.start(ledgerServer({ port: await freePort(), file }));
    try {
      await using gateway = await opened(ledger.url);
      await using plain = await plainClient(gateway.url);
      const isWritten = (line: string) => line.includes('appended slow');
      const appended = until<string>((listener) => ledger.onLine(listener), isWritten);
      const failed = assert.rejects(
        plain.call('slow_append', { entry: 'slow', afterMs: 600_000 }),
        (error: McpError) => {
          assert.deepEqual(error.data, { code: 'OUTCOME_UNKNOWN' });
          return true;
        },
      );
      await appended;
      await ledger.restart();
      await failed;
      assert.deepEqual(
        readLedger(file).map(({ entry }) => entry),
        ['slow'],
      );
    } finally {
      await ledger.stop();
    }
  });
});

describe('the gateway', () => {
  it('carries a question of the server to the client and the answer back', async () => {
    const factory = () => {
      const server = new McpServer({ name: 'asking', version: '1.0.0' });
      server.registerTool('ask', {}, async ({ sendRequest }) => {
        const requestedSchema = { type: 'object', properties: { name: { type: 'string' } } } as const;
        const params = { message: 'Which one?', requestedSchema };
        const request = { method: 'elicitation/create', params } as const;
        const { action, content } = await sendRequest(request, ElicitResultSchema);
        return { content: [{ type: 'text', text: `${action} ${content?.name}` }] };
      });
      return server;
    };
    await using upstream = await served({ factory });
    await using gateway = await opened(upstream.url);
    const client = new Client({ name: 'test', version: '1.0.0' }, { capabilities: { elicitation: {} } });
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name: 'this' } }));
    await client.connect(transportTo(gateway.url));
    const { content } = await client.callTool({ name: 'ask' });
    assert.deepEqual(content, [{ type: 'text', text: 'accept this' }]);
    await client.close();
  });

  it('gives progress to the request that asked for it', async () => {
    const factory = () => {
      const server = new McpServer({ name: 'progressing', version: '1.0.0' });
      server.registerTool('work', {}, async ({ _meta, sendNotification }) => {
        const progressToken = _meta?.progressToken ?? assert.fail('no token');
        const params = { progressToken, progress: 1, total: 2 };
        await sendNotification({ method: 'notifications/progress', params });
        return { content: [] };
      });
      return server;
    };
    await using upstream = await served({ factory });
    await using gateway = await opened(upstream.url);
    await using plain = await plainClient(gateway.url);
    const seen: number[] = [];
    const onprogress = ({ progress }: { progress: number }) => void seen.push(progress);
    await plain.client.callTool({ name: 'work' }, undefined, { onprogress });
    assert.deepEqual(seen, [1]);
  });

  it('hands on an error of the server as it is', async () => {
    await using upstream = await served();
    await using gateway = await opened(upstream.url);
    await using plain = await plainClient(gateway.url);
    const call = plain.client.getPrompt({ name: 'none' });
    await assert.rejects(call, (error: McpError) => error.code === -32601);
  });

  it('gives each client a session of its own at the server, and ends it with the client', async () => {
    await using upstream = await served();
    await using gateway = await opened(upstream.url);
    const [a, b] = [await plainClient(gateway.url), await plainClient(gateway.url)];
    assert.equal(upstream.manager.sessions, 2);
    await a.call('add', { amount: 1 });
    assert.equal(await b.call('add', { amount: 5 }), '5');
    const ended = Promise.withResolvers<void>();
    upstream.onRecord(({ event, sessions }) => event === 'sessionEnded' && sessions === 0 && ended.resolve());
    await Promise.all([a.transport.terminateSession(), b.transport.terminateSession()]);
    await ended.promise;
    await Promise.all([a.client.close(), b.client.close()]);
  });

  it('tells a client in words that the server is not there, and keeps no session for it', async () => {
    const ends: string[] = [];
    const url = `http://127.0.0.1:${await freePort()}/mcp`;
    const gateway = new Gateway({
      servers: { one: { ...quick, url, connectPatienceMs: 1 } },
      log: ({ event, sessions }) => ends.push(`${event} ${sessions}`),
    });
    const port = await gateway.listen();
    const client = new Client({ name: 'test', version: '1.0.0' });
    const connecting = client.connect(transportTo(`http://127.0.0.1:${port}/one/mcp`));
    await assert.rejects(connecting, (error: McpError) => {
      assert.deepEqual(error.data, { code: 'SERVER_UNAVAILABLE' });
      return true;
    });
    assert.deepEqual(ends, ['sessionOpened 1', 'sessionEnded 0']);
    await gateway.close();
  });

  it('answers 404 in plain text to a path that is no server of it', async () => {
    await using gateway = await opened('http://127.0.0.1:1/mcp');
    for (const path of ['/', '/one', '/one/mcp/', '/two/mcp', '/constructor/mcp']) {
      const response = await fetch(new URL(path, gateway.url), { method: 'POST' });
      assert.equal(response.status, 404, path);
      assert.equal(response.headers.get('content-type'), 'text/plain');
    }
  });

  it('asks for its token, when it has one, before anything else', async () => {
    await using upstream = await served();
    await using gateway = await opened(upstream.url, { token: 'right' });
    for (const authorization of ['', 'right', 'Bearer wrong', 'Bearer right ', 'Bearer  right']) {
      const response = await fetch(gateway.url, { method: 'POST', headers: { authorization } });
      assert.equal(response.status, authorization === 'Bearer right ' ? 400 : 401, authorization);
    }
    await using plain = await plainClient(gateway.url, { headers: { authorization: 'Bearer right' } });
    assert.equal(await plain.call('add', { amount: 2 }), '2');
  });

  it('refuses a foreign host', async () => {
    await using gateway = await opened('http://127.0.0.1:1/mcp');
    const request = new Request('http://evil.example/one/mcp', { method: 'POST' });
    assert.equal((await gateway.gateway.handle(request)).status, 403);
  });

  for (const [servers, what] of [
    [{ 'a/b': { url: 'http://127.0.0.1/' } }, 'a name that is no part of a path'],
    [{ a: { url: 'ftp://127.0.0.1/' } }, 'a url that is not http'],
  ] as const) {
    it(`refuses ${what} when it is made`, () => {
      assert.throws(
        () => new Gateway({ servers }),
        (error) => isResilientMcpError(error, 'INVALID_CONFIGURATION'),
      );
    });
  }
});

function transportTo(url: string): Parameters<Client['connect']>[0] {
  return new StreamableHTTPClientTransport(new URL(url)) as Parameters<Client['connect']>[0];
}
