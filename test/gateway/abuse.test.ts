import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { HeldClock } from '../support/held-clock.ts';
import { jsonReply } from '../support/scripted/reply.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { type Opened, type OpenedOptions, opened, plain, WireTo } from './gateways.ts';

/** Bytes to a gateway, as they are; what it says until it closes the connection. */
async function answerTo(gateway: Opened, bytes: string | Uint8Array): Promise<string> {
  const socket = await knock(gateway);
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    answer += chunk;
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write(bytes);
  await closed;
  return answer;
}

async function knock({ url }: Opened): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  // A connection that is dropped may be reset: that is an answer too.
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

const head = (gateway: Opened, lines: readonly string[] = []) =>
  [
    'POST /one/mcp HTTP/1.1',
    `Host: ${new URL(gateway.url).host}`,
    `Authorization: ${gateway.authorization.authorization}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    ...lines,
  ].join('\r\n');

/** Long enough for the requests of those who mean well, also on a busy machine. */
const requestTimeoutMs = 1000;

const statusOf = (answer: string) => /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1];

/** A gateway in front of a server, and the proof afterwards that it still serves one that was there and a new one. */
async function withstands(
  options: OpenedOptions,
  attack: (gateway: Opened, server: ScriptedServer) => Promise<void>,
): Promise<void> {
  await using server = await ScriptedServer.start();
  await using gateway = await opened(server.url, options);
  // With a socket for each call, so that what it meets is what a new client would.
  const authorization = { ...gateway.authorization, connection: 'close' };
  await using before = await plain({ url: gateway.url, authorization });
  await attack(gateway, server);
  assert.equal(await before.call('count', { key: 'before' }), 'ran before');
  await using after = await plain(gateway);
  assert.equal(await after.call('count', { key: 'after' }), 'ran after');
}

describe('a gateway withstands', () => {
  const slow: readonly (readonly [what: string, bytes: (gateway: Opened) => string])[] = [
    ['a client that says nothing', () => ''],
    ['a head that never ends', (gateway) => `${head(gateway)}\r\nX-Slow: `],
    ['a body that never comes', (gateway) => `${head(gateway, ['Content-Length: 100'])}\r\n\r\n`],
    ['a body that stops half way', (gateway) => `${head(gateway, ['Content-Length: 100'])}\r\n\r\n{"json`],
    [
      'a chunk that never ends',
      (gateway) => `${head(gateway, ['Transfer-Encoding: chunked'])}\r\n\r\nff\r\n{`,
    ],
  ];
  for (const [what, bytes] of slow) {
    it(`${what}: it is cut off in its time`, async () => {
      await withstands({ requestTimeoutMs }, async (gateway) => {
        const answer = await answerTo(gateway, bytes(gateway));
        assert.ok(['408', undefined].includes(statusOf(answer)), answer);
      });
    });
  }

  it('heads that come a byte at a time, from many clients at once', async () => {
    await withstands({ requestTimeoutMs }, async (gateway) => {
      const sockets = await Promise.all(Array.from({ length: 100 }, () => knock(gateway)));
      const closed = sockets.map((socket) => once(socket, 'close'));
      for (const byte of head(gateway).slice(0, 40)) for (const socket of sockets) socket.write(byte);
      for (const socket of sockets) socket.resume();
      await Promise.all(closed);
    });
  });

  it('more connections than it holds: those over it are dropped, and there is room again when some are gone', async () => {
    await withstands({ maxConnections: 20, requestTimeoutMs }, async (gateway) => {
      const sockets = await Promise.all(Array.from({ length: 60 }, () => knock(gateway)));
      for (const socket of sockets) socket.resume();
      await Promise.all(sockets.map((socket) => socket.closed || once(socket, 'close')));
    });
  });

  it('clients that never end their sessions: the longest idle ones make room, at their server too, and come back', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url, { maxSessions: 10 });
    const wires: WireTo[] = [];
    while (wires.length < 200) wires.push(await new WireTo(gateway).open());
    assert.equal(gateway.gateway.sessions, 10);
    // Each is ended there in the background.
    await server.ended({ method: 'DELETE' }, 190);
    assert.equal(server.sessions.length, 10);
    for (const [key, wire] of wires.slice(0, 20).entries()) {
      assert.match(await (await wire.call(`${key}`)).text(), new RegExp(`ran ${key}`));
    }
    assert.equal(gateway.gateway.sessions, 10);
    assert.deepEqual(
      gateway.log.filter(({ level }) => level === 'warn' || level === 'error'),
      [],
    );
  });

  it('sessions that nobody uses: they end when they were idle for long enough', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using gateway = await opened(server.url, { clock, idleMs: 1000, maxSessions: 5 });
    for (let count = 0; count < 5; count++) await new WireTo(gateway).open();
    assert.equal(gateway.gateway.sessions, 5);
    while (gateway.gateway.sessions > 0) await clock.advance(1000);
    await using downstream = await plain(gateway);
    assert.equal(await downstream.call('count', { key: 'a' }), 'ran a');
  });

  const heads: readonly (readonly [what: string, lines: readonly string[], status: string])[] = [
    ['one header that is huge', [`X-Huge: ${'x'.repeat(64 * 1024)}`], '431'],
    ['many headers', Array.from({ length: 5000 }, (_, index) => `X-${index}: ${index}`), '431'],
    ['a length that is none', ['Content-Length: -1'], '400'],
    ['two lengths', ['Content-Length: 2', 'Content-Length: 3'], '400'],
    [
      'a length and chunks, by which requests are smuggled',
      ['Content-Length: 2', 'Transfer-Encoding: chunked'],
      '400',
    ],
    ['a header without a name', [': x'], '400'],
    ['a host twice', ['Host: 127.0.0.1'], '400'],
  ];
  for (const [what, lines, status] of heads) {
    it(`${what}: ${status}`, async () => {
      await withstands({}, async (gateway) => {
        const answer = await answerTo(gateway, `${head(gateway, lines)}\r\n\r\n{}`);
        // Of a head that goes on after its refusal the connection is reset, and the refusal may be lost with it.
        const refusals = status === '431' ? ['431', undefined] : [status];
        assert.ok(refusals.includes(statusOf(answer)), answer);
      });
    });
  }

  const requests: readonly (readonly [what: string, first: string, status: RegExp])[] = [
    ['a request for another place, as to a proxy', 'GET http://evil.example/ HTTP/1.1', /^40[0134]$/],
    ['a tunnel', 'CONNECT evil.example:443 HTTP/1.1', /^$/],
    ['a trace', 'TRACE /one/mcp HTTP/1.1', /^40[015]$/],
    ['an upgrade', 'GET /one/mcp HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket', /^40[06]$/],
    ['a path that climbs', 'POST /../../etc/passwd HTTP/1.1', /^404$/],
    ['a token in the address', 'POST /one/mcp?token=x&access_token=x HTTP/1.1', /^40[05]$/],
    ['HTTP of another century', 'POST /one/mcp', /^400$/],
    ['another protocol', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', /^400$/],
  ];
  for (const [what, first, status] of requests) {
    it(`${what}`, async () => {
      await withstands({}, async (gateway) => {
        const rest = head(gateway, ['Connection: close', 'Content-Length: 0']).split('\r\n').slice(1);
        const answer = await answerTo(gateway, `${[first, ...rest].join('\r\n')}\r\n\r\n`);
        assert.match(statusOf(answer) ?? '', status, answer);
      });
    });
  }

  const bodies: readonly (readonly [what: string, body: string | Uint8Array<ArrayBuffer>])[] = [
    ['no JSON', '{'],
    ['nothing', ''],
    ['JSON that is nested without end', '['.repeat(1_000_000)],
    ['JSON that is nested deeply', '['.repeat(200_000) + ']'.repeat(200_000)],
    ['no UTF-8', new Uint8Array([0x22, 0xff, 0xfe, 0x22])],
    ['a number', '7'],
    ['a batch of nothing', '[null, 1, "x"]'],
    ['a method that is none', '{"jsonrpc":"2.0","id":1,"method":7}'],
    ['an object that would be a prototype', '{"__proto__":{"method":"ping"},"jsonrpc":"2.0","id":1}'],
  ];
  for (const [what, body] of bodies) {
    it(`a body that is ${what}, before a session and in one`, async () => {
      await withstands({}, async (gateway) => {
        const wire = await new WireTo(gateway).open();
        for (const sessionId of [undefined, wire.sessionId]) {
          const headers = {
            ...usual,
            ...gateway.authorization,
            ...(sessionId && { 'mcp-session-id': sessionId }),
          };
          const response = await fetch(gateway.url, { method: 'POST', headers, body });
          await response.text();
          assert.ok(response.status >= 400 && response.status < 500, String(response.status));
        }
      });
    });
  }

  it('a client that asks without end on one connection, and reads nothing: few of its calls are made', async () => {
    await withstands({}, async (gateway, server) => {
      const { sessionId } = await new WireTo(gateway).open();
      const body = (key: number) => {
        const params = { name: 'count', arguments: { key: `deaf ${key}` } };
        return JSON.stringify({ jsonrpc: '2.0', id: key, method: 'tools/call', params });
      };
      const session = [`Mcp-Session-Id: ${sessionId}`, 'Mcp-Protocol-Version: 2025-11-25'];
      const calls = Array.from({ length: 200 }, (_, key) => {
        const text = body(key);
        return `${head(gateway, [...session, `Content-Length: ${text.length}`])}\r\n\r\n${text}`;
      });
      const hold = server.hold({ tool: 'count' });
      await answerTo(gateway, calls.join(''));
      hold.release();
      assert.ok(server.count({ tool: 'count' }) <= 16, String(server.count({ tool: 'count' })));
    });
  });

  it('an answer to a question that was never asked, and a cancellation of what is not under way', async () => {
    await withstands({}, async (gateway, server) => {
      const wire = await new WireTo(gateway).open();
      await wire.fetch('POST', { jsonrpc: '2.0', id: 'never asked', result: {} });
      const params = { requestId: 'never sent' };
      await wire.fetch('POST', { jsonrpc: '2.0', method: 'notifications/cancelled', params });
      await (await wire.call('a')).text();
      assert.equal(
        server.requests.filter(({ rpc, method }) => method === 'POST' && rpc === undefined).length,
        0,
      );
    });
  });
});

const usual = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };

describe('credentials do not cross the gateway', () => {
  const secret = 'the-key-of-the-server';

  for (const shared of [false, true]) {
    it(`${shared ? 'in a shared session' : 'in a session of one client'}: neither way, and in no error`, async () => {
      await using server = await ScriptedServer.start();
      const headers = { 'x-api-key': secret, authorization: `Bearer ${secret}` };
      await using gateway = await opened(server.url, { upstream: { headers, shared } });
      const wire = await new WireTo(gateway).open();
      const leaky = {
        'content-type': 'application/json',
        'set-cookie': `session=${secret}`,
        'www-authenticate': `Bearer realm="${secret}"`,
        'x-echo': secret,
      };
      const seen: string[] = [];
      const look = async (response: Response) => {
        seen.push(await response.text(), JSON.stringify([...response.headers]));
      };
      await look(await wire.call('a'));
      server.answerNext({ tool: 'count' }, ({ id }) => ({
        ...jsonReply(200, { jsonrpc: '2.0', id, result: {} }),
        headers: leaky,
      }));
      await look(await wire.call('b'));
      for (const status of [400, 401, 403, 500]) {
        const body = `You sent Authorization: Bearer ${secret} and x-api-key: ${secret}`;
        server.answerNext({ tool: 'count' }, { status, headers: leaky, body });
        await look(await wire.call(`${status}`));
      }
      for (const each of seen) assert.ok(!each.includes(secret), each);
      assert.ok(!JSON.stringify(gateway.log).includes(secret));
      // The client's own credentials, and the id of its session, are the gateway's business alone.
      const sent = JSON.stringify(server.requests.map((request) => [request.headers, request.text]));
      for (const own of [gateway.gateway.token, wire.sessionId ?? '']) assert.ok(!sent.includes(own), own);
    });
  }
});
