import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { dialectNames, proxyAnswers } from './scripted/dialects.ts';
import { type Fault, rpcError } from './scripted/reply.ts';
import { ScriptedServer, type ScriptedServerOptions } from './scripted-server.ts';
import { plainClient } from './sdk-client.ts';
import { rawPost, Wire } from './wire.ts';

describe('the scripted server, by order,', () => {
  const opened: ScriptedServer[] = [];

  afterEach(async () => {
    for (const each of opened.splice(0).reverse()) await each.close();
  });

  async function aServer(options: ScriptedServerOptions = {}): Promise<ScriptedServer> {
    const server = await ScriptedServer.start(options);
    opened.push(server);
    return server;
  }

  const aWire = (server: ScriptedServer) => new Wire(server.url).open();

  describe('answers a session it forgot', () => {
    for (const name of dialectNames) {
      it(`in the dialect ${name}, and runs nothing`, async () => {
        const server = await aServer();
        const wire = await aWire(server);
        server.forgetSessions(name);
        const response = await wire.call('a');
        const body = await response.text();
        assert.equal(response.status, Number(name.slice(0, 3)));
        assert.equal(server.runs('a'), 0);
        const plainBodies = ['404-empty', '404-text', '400-text', '400-event', '401-text', '410-empty'];
        if (!plainBodies.includes(name))
          assert.equal(response.headers.get('content-type'), 'application/json');
        if (name.endsWith('-empty')) assert.equal(body, '');
        if (name === '404-foreign-id')
          assert.notEqual(response.headers.get('mcp-session-id'), wire.sessionId);
        if (name === '200-error' || name === '404-echoing-id') assert.equal(JSON.parse(body).id, 2);
        await wire.open().catch(() => {});
      });
    }

    it('with the bytes of the test when it gives them', async () => {
      const server = await aServer();
      const wire = await aWire(server);
      server.forgetSessions({
        status: 418,
        headers: { 'x-kettle': 'on' },
        body: new Uint8Array([0xff, 0x00]),
      });
      const response = await wire.call('a');
      assert.deepEqual([response.status, response.headers.get('x-kettle')], [418, 'on']);
      assert.deepEqual([...new Uint8Array(await response.arrayBuffer())], [0xff, 0x00]);
    });

    it('and refuses each session that it issues when told so, until told otherwise', async () => {
      const server = await aServer();
      {
        using _refusal = server.refuseEverySession('404-json');
        const wire = await aWire(server);
        assert.notEqual(wire.sessionId, undefined);
        assert.equal((await wire.call('a')).status, 404);
      }
      assert.equal((await (await aWire(server)).call('b')).status, 200);
    });
  });

  describe('spoils one exchange', () => {
    const cases: { fault: Fault; status: number | 'broken'; runs: number; name: string; body?: RegExp }[] = [
      {
        name: 'by another answer, before anything runs',
        fault: { status: 503, body: 'later' },
        status: 503,
        runs: 0,
        body: /^later$/,
      },
      {
        name: 'by the page of a proxy',
        fault: proxyAnswers.notFoundHtml,
        status: 404,
        runs: 0,
        body: /<h1>404 Not Found/,
      },
      {
        name: 'by another answer after the run',
        fault: { status: 502, afterRun: true },
        status: 502,
        runs: 1,
      },
      {
        name: 'by an answer made from the request',
        fault: rpcError(-32603, 'oops'),
        status: 200,
        runs: 0,
        body: /"id":2,"error"/,
      },
      { name: 'by a reset before the run', fault: 'reset-before', status: 'broken', runs: 0 },
      { name: 'by a reset after the run', fault: 'reset-after-run', status: 'broken', runs: 1 },
      {
        name: 'by bytes that are no HTTP',
        fault: { raw: 'SSH-2.0-OpenSSH_9.9\r\n' },
        status: 'broken',
        runs: 0,
      },
      {
        name: 'by an event stream that ends without its answer',
        fault: 'end-stream',
        status: 200,
        runs: 1,
        body: /^$/,
      },
      {
        name: 'by a stream that ends after an event id',
        fault: 'end-stream-after-event-id',
        status: 200,
        runs: 1,
        body: /^id: post3\.1\ndata: \n\n$/,
      },
    ];
    for (const { name, fault, status, runs, body } of cases) {
      it(name, async () => {
        const server = await aServer();
        const wire = await aWire(server);
        const rule = server.answerNext({ rpc: 'tools/call' }, fault);
        const outcome = await wire.call('a').catch(() => 'broken' as const);
        assert.equal(outcome === 'broken' ? outcome : outcome.status, status);
        if (outcome !== 'broken') assert.match(await outcome.text(), body ?? /^/);
        assert.deepEqual([server.runs('a'), rule.used], [runs, 1]);
        assert.equal((await wire.call('b')).status, 200);
      });
    }

    it('by a stream that is cut after an event id, its answer kept for a resumption', async () => {
      const server = await aServer({ style: { retryMs: 7 } });
      const wire = await aWire(server);
      server.answerNext({ rpc: 'tools/call' }, 'cut-stream-after-event-id');
      const cut = await wire.call('a');
      const seen: string[] = [];
      const reading = (async () => {
        for await (const bytes of cut.body ?? []) seen.push(Buffer.from(bytes).toString());
      })();
      await assert.rejects(reading);
      assert.equal(seen.join(''), 'id: post3.1\nretry: 7\ndata: \n\n');
      assert.equal(server.runs('a'), 1);
      const resumed = await wire.fetch('GET', undefined, { 'last-event-id': 'post3.1' });
      assert.match(await resumed.text(), /^id: post3\.2\nevent: message\ndata: .*"ran a".*\n\n$/);
      assert.equal(server.runs('a'), 1);
      assert.equal((await wire.fetch('GET', undefined, { 'last-event-id': 'elsewhere' })).status, 400);
    });

    it('which the SDK client resumes', async () => {
      const server = await aServer({ style: { retryMs: 1, eventIds: true } });
      await using plain = await plainClient(server.url);
      server.answerNext({ rpc: 'tools/call' }, 'end-stream-after-event-id');
      assert.equal(await plain.call('count', { key: 'a' }), 'ran a');
      assert.equal(server.count({ method: 'GET', resuming: true }), 1);
    });

    for (const [fault, runs] of [
      ['hang', 0],
      ['hang-after-run', 1],
    ] as const) {
      it(`by silence (${fault})`, async () => {
        const server = await aServer();
        const wire = await aWire(server);
        server.answerNext({ rpc: 'tools/call' }, fault);
        let settled = false;
        const call = wire
          .call('a')
          .catch(() => {})
          .finally(() => {
            settled = true;
          });
        await server.received({ rpc: 'tools/call' });
        await (await wire.call('b')).text();
        assert.deepEqual([settled, server.runs('a')], [false, runs]);
        server.cutConnections();
        await call;
      });
    }

    it('by a body that breaks off, and by one without an end that stops when nobody reads', async () => {
      const server = await aServer();
      const wire = await aWire(server);
      const headers = { 'content-type': 'application/json', 'content-length': '100' };
      server.answerNext({}, { status: 200, headers, body: '{"jsonrpc"', ending: 'reset' });
      await assert.rejects((await wire.call('a')).text());
      let chunks = 0;
      const endless = (function* () {
        for (;;) {
          chunks++;
          yield 'x'.repeat(65_536);
        }
      })();
      server.answerNext({}, { status: 200, headers: { 'content-type': 'text/event-stream' }, body: endless });
      const response = await wire.call('b');
      await response.body?.cancel();
      await server.ended({ key: 'b' });
      assert.ok(chunks < 1000, `${chunks} chunks were made`);
    });

    it('as many times as told, then no more; or until the rule is taken away', async () => {
      const server = await aServer();
      const wire = await aWire(server);
      server.answerNext({ tool: 'count' }, { status: 503 }, 2);
      const statuses = [];
      for (const key of ['a', 'b', 'c']) statuses.push((await wire.call(key)).status);
      assert.deepEqual(statuses, [503, 503, 200]);
      const rule = server.answerAlways((request) => request.key === 'd', { status: 502 });
      assert.deepEqual([(await wire.call('d')).status, (await wire.call('d')).status], [502, 502]);
      rule.dispose();
      assert.equal((await wire.call('d')).status, 200);
      assert.equal(rule.used, 2);
    });
  });

  describe('holds exchanges', () => {
    it('before they run: a restart meanwhile, and they never do', async () => {
      const server = await aServer();
      const wire = await aWire(server);
      const hold = server.hold({ rpc: 'tools/call' }, 'before-run');
      const calls = ['a', 'b'].map((key) => wire.call(key));
      await hold.arrived(2);
      await server.restart('400-text');
      hold.release();
      await Promise.all(calls.map((call) => assert.rejects(call)));
      assert.equal(server.runs(), 0);
      assert.equal((await wire.call('c')).status, 400);
    });

    it('before their answer, with messages on their streams meanwhile, and lets them go by number', async () => {
      const server = await aServer();
      const wire = await aWire(server);
      const hold = server.hold({ rpc: 'tools/call' });
      const [first, second] = [await wire.call('a'), await wire.call('b')];
      await hold.arrived(2);
      assert.deepEqual([server.runs(), hold.waiting.length], [2, 2]);
      hold.send((request) => ({ jsonrpc: '2.0', method: `about ${request.key}` }));
      hold.release(1);
      assert.match(await first.text(), /about a(?:.|\n)*ran a/);
      assert.equal(hold.waiting.length, 1);
      hold.release();
      assert.match(await second.text(), /about b(?:.|\n)*ran b/);
      await (await wire.call('c')).text();
    });
  });

  describe('loses its connections', () => {
    it('refuses connections with its sessions kept, and accepts again on the same port', async () => {
      const server = await aServer();
      const wire = await aWire(server);
      await server.refuseConnections();
      await assert.rejects(wire.call('a'));
      const knock = connect(Number(new URL(server.url).port), '127.0.0.1');
      const [refused] = (await once(knock, 'error')) as [NodeJS.ErrnoException];
      assert.equal(refused.code, 'ECONNREFUSED');
      await server.acceptConnections();
      assert.equal((await wire.call('a')).status, 200);
    });

    it('ends the standalone streams and nothing else', async () => {
      const server = await aServer();
      const wire = await aWire(server);
      const stream = await wire.fetch('GET');
      assert.equal((await wire.fetch('GET')).status, 409);
      server.closeGetStreams();
      assert.equal(await stream.text(), '');
      assert.equal((await wire.fetch('GET')).status, 200);
      assert.equal((await wire.call('a')).status, 200);
    });

    it('vanishes from present connections and serves new ones', async () => {
      const server = await aServer({ style: { answers: 'json' } });
      const wire = await aWire(server);
      const hold = server.hold({ key: 'a' });
      let settled = false;
      const call = wire
        .call('a')
        .catch(() => {})
        .finally(() => {
          settled = true;
        });
      await hold.arrived();
      server.abandonConnections();
      hold.release();
      const fresh = await rawPost(wire, '{"jsonrpc":"2.0","id":50,"method":"ping"}');
      const [answer] = (await once(fresh, 'data')) as [Buffer];
      assert.match(answer.toString(), /^HTTP\/1\.1 200 OK/);
      assert.equal(settled, false);
      server.cutConnections();
      await call;
    });

    it('freezes with connections still made, and runs what came meanwhile when it thaws', async () => {
      const server = await aServer({ style: { answers: 'json' } });
      const wire = await aWire(server);
      server.freeze();
      const socket = await rawPost(
        wire,
        '{"jsonrpc":"2.0","id":60,"method":"tools/call","params":{"name":"count","arguments":{"key":"a"}}}',
      );
      const waiting = wire.call('b');
      // Time enough to run them, told by events: another server answers twenty calls meanwhile.
      const other = await aWire(await aServer({ style: { answers: 'json' } }));
      for (let n = 0; n < 20; n++) await (await other.call('c')).text();
      assert.deepEqual([server.count({ rpc: 'tools/call' }), server.runs()], [0, 0]);
      server.thaw();
      await (await waiting).text();
      await server.answered({ key: 'a' });
      assert.deepEqual([server.runs('a'), server.runs('b')], [1, 1]);
      socket.destroy();
    });
  });
});
