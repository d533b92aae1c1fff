import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { systemClock } from '../../src/base/environment.ts';
import { newNonce, PROOF_HEADER, proofOf } from '../../src/hub/gateway/proof.ts';
import { provenConnection } from '../../src/hub/gateway/proven-connection.ts';
import { HeldClock } from '../support/held-clock.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { opened, WireTo } from './gateways.ts';

const key = 'what the gateway and its user have, and nobody else';

describe('the proof of a gateway (issue 14, §3)', () => {
  const toEnd: (() => unknown)[] = [];

  afterEach(async () => {
    for (const end of toEnd.splice(0).reverse()) await end();
  });

  async function gateway(options: Parameters<typeof opened>[1] = { proofKey: key }) {
    const it = await opened('http://127.0.0.1:9/mcp', options);
    toEnd.push(() => it[Symbol.asyncDispose]());
    return { ...it, port: Number(new URL(it.url).port) };
  }

  const ask = (port: number, query = `?nonce=${newNonce()}`, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${port}/proof${query}`, init);

  /** What listens and is no gateway. Its connections end with the test. */
  async function stranger(onConnection: (socket: Socket) => void): Promise<number> {
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket.on('error', () => {}));
      onConnection(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    toEnd.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }

  const met = (port: number) => provenConnection({ port, key, clock: systemClock });

  it('is given without a token, for each nonce another, and for the port on which it listens', async () => {
    const { port } = await gateway();
    for (const nonce of [newNonce(), newNonce()]) {
      const answer = await ask(port, `?nonce=${nonce}&port=1`, { headers: { 'x-forwarded-port': '1' } });
      assert.equal(answer.status, 204);
      assert.equal(answer.headers.get(PROOF_HEADER), proofOf(key, nonce, port));
    }
  });

  it('is given to nothing but a nonce, and to no page and no name that points here', async () => {
    const { port } = await gateway();
    for (const query of ['', '?nonce=', '?nonce=a', `?nonce=${'a'.repeat(44)}`, `?nonce=${'é'.repeat(43)}`]) {
      assert.equal((await ask(port, query)).status, 400, query);
    }
    assert.equal((await ask(port, undefined, { method: 'POST', body: '{}' })).status, 400);
    const page = await ask(port, undefined, { headers: { origin: 'https://evil.example' } });
    assert.deepEqual([page.status, page.headers.get(PROOF_HEADER)], [403, null]);
  });

  it('is not to be had where the gateway has no key: that path wants the token, as every other', async () => {
    const { port } = await gateway({});
    assert.equal((await ask(port)).status, 401);
  });

  it('makes a connection on which requests can be sent', async () => {
    const { port } = await gateway();
    const socket = await met(port);
    socket.write(`GET /one/mcp HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    assert.match(String(answer), /^HTTP\/1\.1 401 /);
    socket.destroy();
  });

  const strangers: readonly (readonly [what: string, answer: (nonce: string, port: number) => string])[] = [
    ['says nothing that is HTTP', () => 'hello\r\n\r\n'],
    ['answers without a proof', () => 'HTTP/1.1 204 No Content\r\nx: y\r\n\r\n'],
    ['gives the nonce back', (nonce) => `HTTP/1.1 204 No Content\r\n${PROOF_HEADER}: ${nonce}\r\n\r\n`],
    [
      'has another key',
      (nonce, port) =>
        `HTTP/1.1 204 No Content\r\n${PROOF_HEADER}: ${proofOf('another key', nonce, port)}\r\n\r\n`,
    ],
    [
      'has an answer that was meant for another port',
      (nonce, port) => `HTTP/1.1 204 No Content\r\n${PROOF_HEADER}: ${proofOf(key, nonce, port + 1)}\r\n\r\n`,
    ],
    [
      'says more than the answer, which would be taken for that of the next request',
      (nonce, port) =>
        `HTTP/1.1 204 No Content\r\n${PROOF_HEADER}: ${proofOf(key, nonce, port)}\r\n\r\nHTTP/1.1 200 OK\r\n`,
    ],
    ['never ends its answer', () => `HTTP/1.1 204 No Content\r\nx: ${'x'.repeat(5000)}`],
  ];
  for (const [what, answer] of strangers) {
    it(`is missing where a stranger ${what}`, async () => {
      const port: number = await stranger((socket) => {
        socket.once('data', (text) => {
          const nonce = /nonce=(\S+)/.exec(String(text))?.[1] ?? '';
          socket.write(answer(nonce, port));
        });
      });
      await assert.rejects(met(port), { name: 'NotConnectedError' });
    });
  }

  it('is missing where a stranger passes the question on to the gateway, which has another port now', async () => {
    const real = await gateway();
    const port = await stranger((socket) => {
      socket.once('data', async (text) => {
        const nonce = /nonce=(\S+)/.exec(String(text))?.[1] ?? '';
        const passed = await ask(real.port, `?nonce=${nonce}`);
        const proof = passed.headers.get(PROOF_HEADER);
        socket.write(`HTTP/1.1 204 No Content\r\n${PROOF_HEADER}: ${proof}\r\n\r\n`);
      });
    });
    await assert.rejects(met(port), /somebody else listens/);
    (await met(real.port)).destroy();
  });

  it('is waited for no longer than is said, and is missing where the connection is closed', async () => {
    const clock = new HeldClock();
    const silent = await stranger(() => {});
    const waiting = assert.rejects(provenConnection({ port: silent, key, clock, limitMs: 500 }));
    await clock.isSet(500);
    await clock.advance(500);
    await waiting;
    assert.equal(clock.pending, 0);
    await assert.rejects(met(await stranger((socket) => socket.destroy())), { name: 'NotConnectedError' });
  });
});

describe('a gateway of which the token is changed (issue 14, §3)', () => {
  const tokens = { attachToken: 'by-attach', token: 'before' };

  it('lets nobody in by the one before, and ends what goes on by it; sessions go on with the new one', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url, tokens);
    const wire = await new WireTo(gateway).open();
    const stream = await wire.fetch('GET');
    assert.equal(stream.status, 200);
    using _held = server.hold({ key: 'under way' });
    const call = wire.call('under way');
    await server.received({ key: 'under way' });

    gateway.gateway.changeToken('after');
    await assert.rejects(call);
    await assert.rejects(stream.text());
    assert.equal((await wire.call('a')).status, 401);
    const renewed = { authorization: 'Bearer after' };
    const again = await wire.fetch('POST', { jsonrpc: '2.0', id: 'x', method: 'ping' }, renewed);
    assert.equal(again.status, 200);
    assert.equal(gateway.gateway.token, 'after');
  });

  it('goes on with those who came by another token', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url, tokens);
    const attached = { url: gateway.url, authorization: { authorization: 'Bearer by-attach' } };
    const wire = await new WireTo(attached).open();
    const stream = await wire.fetch('GET');
    gateway.gateway.changeToken('after');
    await (await wire.call('a')).text();
    await server.received({ method: 'GET' });
    server.notify('notifications/tools/list_changed');
    let heard = '';
    for await (const chunk of stream.body ?? []) {
      heard += Buffer.from(chunk).toString();
      if (heard.includes('list_changed')) break;
    }
    assert.match(heard, /list_changed/);
  });

  it('refuses a text that is no token, and keeps the one it has', async () => {
    await using gateway = await opened('http://127.0.0.1:9/mcp', tokens);
    assert.throws(() => gateway.gateway.changeToken('no token'), { code: 'INVALID_CONFIGURATION' });
    assert.equal(gateway.gateway.token, 'before');
  });
});
