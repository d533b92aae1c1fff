import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { type Clock, systemClock } from '../../src/base/environment.ts';
import type { ConnectionAge } from '../../src/base/http-client.ts';
import { readWhole } from '../../src/client/wire/http/body.ts';
import { isLoopback } from '../../src/client/wire/http/choose-client.ts';
import { NodeClient } from '../../src/client/wire/http/node/node-client.ts';
import { HeldClock, settle } from '../support/held-clock.ts';

async function serving(listener: RequestListener, clock: Clock = systemClock) {
  const http = createServer(listener);
  let sockets = 0;
  let open = 0;
  http.on('connection', (socket) => {
    sockets += 1;
    open += 1;
    socket.once('close', () => {
      open -= 1;
    });
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const client = new NodeClient(() => assert.fail('there is node:http here'), clock);
  return {
    url: new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`),
    client,
    /** Sockets that were ever opened. */
    get sockets() {
      return sockets;
    },
    get open() {
      return open;
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      http.closeAllConnections();
      http.close();
    },
  };
}

describe('the HTTP client over node:http', () => {
  it('sends what it is given, on one socket for requests after each other, and closes it at the end', async () => {
    await using server = await serving(async (request, response) => {
      let text = '';
      for await (const chunk of request) text += chunk;
      response.setHeader('x-seen', `${request.method} ${request.headers['x-sent']}`);
      response.end(text.toUpperCase());
    });
    for (const body of ['one', 'zwölf']) {
      const headers = new Headers({ 'x-sent': 'yes' });
      const response = await server.client.send(server.url, { method: 'POST', headers, body });
      assert.deepEqual([response.ok, response.status, response.statusText], [true, 200, 'OK']);
      assert.equal(response.headers.get('X-Seen'), 'POST yes');
      assert.equal(response.headers.get('x-other'), null);
      assert.equal(await readWhole(response, 100), body.toUpperCase());
    }
    assert.deepEqual([server.sockets, server.open], [1, 1]);
    await server.client.close();
    while (server.open > 0) await settle();
  });

  it('decodes what a server encodes although it was asked not to, whatever the name of the coding', async () => {
    const asked: unknown[] = [];
    const codings: readonly (readonly [string, (text: string) => Buffer])[] = [
      ['gzip', gzipSync],
      ['GZip', gzipSync],
      ['x-gzip', gzipSync],
      ['deflate', deflateSync],
      ['BR', brotliCompressSync],
      ['zstd', zstdCompressSync],
      ['identity', Buffer.from],
      ['br, gzip', (text) => gzipSync(brotliCompressSync(text))],
    ];
    await using server = await serving((request, response) => {
      asked.push(request.headers['accept-encoding']);
      const [name = '', encode = Buffer.from] = codings[Number(request.headers['x-coding'])] ?? [];
      response.setHeader('content-encoding', name).end(encode('said'));
    });
    for (const [index, [name]] of codings.entries()) {
      const response = await server.client.send(server.url, { headers: { 'x-coding': String(index) } });
      assert.equal(await readWhole(response, 100), 'said', name);
    }
    assert.deepEqual(new Set(asked), new Set(['identity']));
  });

  it('names a coding that nobody knows', async () => {
    await using server = await serving((_, response) => {
      response.setHeader('content-encoding', 'secret').end('said');
    });
    const response = await server.client.send(server.url, {});
    await assert.rejects(readWhole(response, 100), /encoded as "secret"/);
  });

  it('rejects with the reason of its signal, before the answer and in the middle of it', async () => {
    const begun = Promise.withResolvers<void>();
    await using server = await serving((request, response) => {
      if (request.headers['x-part']) response.write('part');
      else begun.resolve();
    });
    const [early, late] = [new AbortController(), new AbortController()];
    const waiting = server.client.send(server.url, { signal: early.signal });
    await begun.promise;
    early.abort(new Error('no longer'));
    await assert.rejects(waiting, /no longer/);
    const headers = { 'x-part': 'yes' };
    const reader = (await server.client.send(server.url, { headers, signal: late.signal })).body?.getReader();
    assert.equal(new TextDecoder().decode((await reader?.read())?.value), 'part');
    const rest = reader?.read();
    late.abort(new Error('enough'));
    await assert.rejects(async () => rest, /enough/);
    const isOver = AbortSignal.abort(new Error('too late'));
    await assert.rejects(server.client.send(server.url, { signal: isOver }), /too late/);
  });

  it('rejects when an answer breaks off, and when nobody listens', async () => {
    await using server = await serving((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('part', () => response.destroy());
    });
    const response = await server.client.send(server.url, {});
    await assert.rejects(readWhole(response, 1000), /aborted|broken off/);
    const nobody = new URL('http://127.0.0.1:1/mcp');
    await assert.rejects(server.client.send(nobody, {}), { code: 'ECONNREFUSED' });
  });

  it('lets go of an answer that is not wanted', async () => {
    await using server = await serving((_, response) => {
      response.write('part');
    });
    const response = await server.client.send(server.url, {});
    await response.body?.cancel();
    assert.deepEqual(await response.body?.getReader().read(), { done: true });
    while (server.open > 0) await settle();
  });

  it('keeps the socket of an answer that is not wanted and has arrived whole', async () => {
    await using server = await serving((_, response) => void response.writeHead(202).end());
    for (let time = 0; time < 20; time += 1) {
      const response = await server.client.send(server.url, { method: 'POST', body: 'said' });
      await response.body?.cancel();
    }
    assert.equal(server.sockets, 1);
  });

  describe('sends on a connection that', () => {
    const age = async (wait: (clock: HeldClock) => unknown, connection?: ConnectionAge, hint?: string) => {
      const clock = new HeldClock();
      await using server = await serving((_, response) => {
        if (hint !== undefined) response.setHeader('keep-alive', hint);
        response.end();
      }, clock);
      const used: boolean[] = [];
      for (let request = 0; request < 2; request += 1) {
        const response = await server.client.send(server.url, {
          connection,
          onConnection: (isUsed) => used.push(isUsed),
        });
        await readWhole(response, 100);
        await settle();
        await wait(clock);
      }
      assert.equal(used[0], false);
      assert.equal(server.sockets, used[1] ? 1 : 2);
      return used[1] ? 'was used' : 'is new';
    };

    it('was used within the last moments, unless it is told otherwise', async () => {
      assert.equal(await age((clock) => clock.advance(20)), 'was used');
      assert.equal(await age((clock) => clock.advance(21)), 'is new');
      assert.equal(await age(() => {}, 'new'), 'is new');
    });

    it('waited for a second at most, for what may be sent again', async () => {
      assert.equal(await age((clock) => clock.advance(1000), 'kept'), 'was used');
      assert.equal(await age((clock) => clock.advance(1001), 'kept'), 'is new');
    });

    it('no sleep of the machine has passed over, whichever clock stood still', async () => {
      for (const ms of [60_000, -60_000])
        assert.equal(await age((clock) => clock.jump(ms), 'kept'), 'is new');
    });

    it('the server keeps for longer than it may wait', async () => {
      assert.equal(await age(() => {}, 'kept', 'timeout=1'), 'is new');
      assert.equal(await age(() => {}, 'kept', 'timeout=5'), 'was used');
    });
  });

  it('hears that a connection was closed before it sends what may not be sent twice', async () => {
    await using server = await serving((_, response) => {
      response.end(() => response.socket?.end());
    });
    for (let request = 0; request < 20; request += 1) {
      const response = await server.client.send(server.url, { method: 'POST', body: '{}' });
      assert.equal(response.status, 200);
      await response.body?.cancel();
    }
  });

  it('knows the addresses of this machine', () => {
    const yes = [
      'http://localhost:3000/mcp',
      'http://127.0.0.1/',
      'https://127.8.0.1:1',
      'http://[::1]:8080/mcp',
    ];
    const no = ['http://localhost.example/', 'http://10.0.0.1/', 'http://example.com/'];
    for (const url of yes) assert.equal(isLoopback(new URL(url)), true, url);
    for (const url of no) assert.equal(isLoopback(new URL(url)), false, url);
  });
});
