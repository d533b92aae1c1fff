import assert from 'node:assert/strict';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { until } from '../../harness/until.ts';
import { ScriptedServer, type ScriptedServerOptions } from './scripted-server.ts';
import { type PlainClient, plainClient } from './sdk-client.ts';
import { Wire } from './wire.ts';

describe('the scripted server', () => {
  const opened: { close(): Promise<unknown> }[] = [];

  afterEach(async () => {
    for (const each of opened.splice(0).reverse()) await each.close();
  });

  async function aServer(options: ScriptedServerOptions = {}): Promise<ScriptedServer> {
    const server = await ScriptedServer.start(options);
    opened.push(server);
    return server;
  }

  async function aClient(server: ScriptedServer): Promise<PlainClient> {
    const plain = await plainClient(server.url);
    opened.push(plain.client);
    return plain;
  }

  const aWire = (server: ScriptedServer) => new Wire(server.url).open();

  describe('left alone', () => {
    const styles: ScriptedServerOptions['style'][] = [
      { answers: 'json' },
      { answers: 'sse' },
      { answers: 'sse', eventIds: true, retryMs: 5 },
      { answers: 'sse', chunkBytes: 1 },
      { answers: 'json', chunkBytes: 3 },
      { answers: 'json', compress: 'gzip' },
      { answers: 'sse', compress: 'gzip', chunkBytes: 2 },
      { answers: 'sse', compress: 'br' },
      { answers: 'json', compress: 'deflate' },
    ];
    for (const style of styles) {
      it(`serves the SDK's own client with answers of ${JSON.stringify(style)}`, async () => {
        const server = await aServer({ style: style ?? {} });
        const plain = await aClient(server);
        const { tools } = await plain.client.listTools();
        assert.deepEqual(
          tools.map((tool) => tool.name),
          ['count', 'peek', 'put'],
        );
        assert.equal(await plain.call('count', { key: 'ä' }), 'ran ä');
        assert.equal((await plain.call('peek', { key: 'b', bytes: 100_000 })).length, 100_005);
        assert.deepEqual([server.runs('ä'), server.runs('b'), server.runs()], [1, 1, 2]);
        assert.deepEqual(server.violations, []);
      });
    }

    it('keeps subscriptions and the log level of a session, and forgets the session at DELETE', async () => {
      const server = await aServer();
      const plain = await aClient(server);
      await plain.client.subscribeResource({ uri: 'test://one' });
      await plain.client.setLoggingLevel('debug');
      const [session] = server.sessions;
      assert.deepEqual([...(session?.subscriptions ?? [])], ['test://one']);
      assert.equal(session?.logLevel, 'debug');
      await plain.transport.terminateSession();
      assert.equal(server.sessions.length, 0);
      assert.equal(server.count({ method: 'DELETE' }), 1);
    });

    it('pushes notifications and requests on the standalone stream, and takes the answer', async () => {
      const server = await aServer();
      const plain = await aClient(server);
      await server.answered({ method: 'GET' });
      const updated = until<string>(
        (listener) => {
          plain.client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) =>
            listener(params.uri),
          );
          return () => {};
        },
        () => true,
      );
      assert.equal(server.updateResource('test://one'), 0);
      await plain.client.subscribeResource({ uri: 'test://one' });
      assert.equal(server.updateResource('test://one'), 1);
      assert.equal(await updated, 'test://one');
      const answer = await server.ask('ping');
      assert.deepEqual(answer.result, {});
      assert.deepEqual(server.violations, []);
    });

    it('notes of each request what a test may ask for', async () => {
      const server = await aServer();
      const wire = await aWire(server);
      await (await wire.call('a')).text();
      await server.ended({}, 3);
      const [initialize, initialized, call] = server.requests;
      assert.deepEqual(
        [initialize?.rpc, initialize?.sessionId, initialize?.protocolVersionHeader],
        ['initialize', undefined, undefined],
      );
      assert.deepEqual(
        [initialized?.rpc, initialized?.id, initialized?.status],
        ['notifications/initialized', undefined, 202],
      );
      assert.deepEqual(
        [
          call?.n,
          call?.method,
          call?.rpc,
          call?.tool,
          call?.key,
          call?.id,
          call?.sessionId,
          call?.status,
          call?.ended,
        ],
        [3, 'POST', 'tools/call', 'count', 'a', 2, wire.sessionId, 200, 'answered'],
      );
      assert.equal(call?.protocolVersionHeader, '2025-11-25');
    });

    it('pages its lists, and takes no cursor of another session', async () => {
      const server = await aServer({ face: { pageSize: 2 }, style: { answers: 'json' } });
      const wire = await aWire(server);
      const page = (await (await wire.send('tools/list')).json()) as {
        result: { tools: object[]; nextCursor: string };
      };
      assert.equal(page.result.tools.length, 2);
      const other = await aWire(server);
      const stale = (await (
        await other.send('tools/list', { cursor: page.result.nextCursor })
      ).json()) as object;
      assert.deepEqual(stale, { jsonrpc: '2.0', id: 2, error: { code: -32602, message: 'Invalid cursor' } });
      const rest = (await (
        await wire.send('tools/list', { cursor: page.result.nextCursor })
      ).json()) as typeof page;
      assert.deepEqual([rest.result.tools.length, rest.result.nextCursor], [1, undefined]);
    });

    it('issues no ids when told so, and takes any', async () => {
      const server = await aServer({ sessionIds: false });
      const wire = await aWire(server);
      assert.equal(wire.sessionId, undefined);
      wire.sessionId = 'of-another-life';
      assert.equal((await wire.call('a')).status, 200);
    });

    for (const host of ['::1', 'localhost']) {
      it(`listens on ${host}`, async () => {
        const server = await aServer({ host });
        assert.equal((await (await aWire(server)).call('a')).status, 200);
      });
    }
  });

  describe('refuses what the protocol forbids, and remembers it', () => {
    const offences: [words: string, status: number, offend: (wire: Wire) => Promise<Response>][] = [
      [
        'initialize carried a session id',
        400,
        (wire) => wire.send('initialize', { protocolVersion: '2025-11-25' }),
      ],
      [
        'initialize for 2025-11-25 carried the version header 2025-06-18',
        400,
        (wire) => {
          wire.sessionId = undefined;
          const body = {
            jsonrpc: '2.0',
            id: 9,
            method: 'initialize',
            params: { protocolVersion: '2025-11-25' },
          };
          return wire.fetch('POST', body, { 'mcp-protocol-version': '2025-06-18' });
        },
      ],
      [
        'version header 1999-01-01 in a session of 2025-11-25',
        400,
        (wire) =>
          wire.fetch(
            'POST',
            { jsonrpc: '2.0', id: 9, method: 'ping' },
            { 'mcp-protocol-version': '1999-01-01' },
          ),
      ],
      [
        'POST without Accept: application/json, text/event-stream',
        406,
        (wire) =>
          wire.fetch('POST', { jsonrpc: '2.0', id: 9, method: 'ping' }, { accept: 'application/json' }),
      ],
      [
        'request id 1 was used twice in one session',
        200,
        (wire) => wire.fetch('POST', { jsonrpc: '2.0', id: 1, method: 'ping' }),
      ],
      [
        'cancelled request 77, which this session never got',
        202,
        (wire) =>
          wire.fetch('POST', {
            jsonrpc: '2.0',
            method: 'notifications/cancelled',
            params: { requestId: 77 },
          }),
      ],
      [
        'answered request server-1, which this session did not send',
        202,
        (wire) => wire.fetch('POST', { jsonrpc: '2.0', id: 'server-1', result: {} }),
      ],
    ];
    for (const [words, status, offend] of offences) {
      it(words, async () => {
        const server = await aServer();
        const wire = await aWire(server);
        assert.equal((await offend(wire)).status, status);
        assert.deepEqual(server.violations, [words]);
      });
    }

    it('a call before notifications/initialized', async () => {
      const server = await aServer({ style: { answers: 'json' } });
      const wire = new Wire(server.url);
      const response = await wire.send('initialize', { protocolVersion: '2025-11-25' });
      wire.sessionId = response.headers.get('mcp-session-id') ?? undefined;
      assert.match(await (await wire.call('a')).text(), /before initialization was complete/);
      assert.deepEqual(
        [server.runs('a'), server.violations],
        [0, ['tools/call came before notifications/initialized']],
      );
    });
  });
});
