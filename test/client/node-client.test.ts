import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { isLoopback } from '../../src/base/address-zones.ts';
import { type Clock, systemClock } from '../../src/base/environment.ts';
import type { ConnectionAge } from '../../src/base/http-client.ts';
import { readWhole } from '../../src/client/wire/http/body.ts';
import { NodeClient } from '../../src/client/wire/http/node/node-client.ts';
import { ArrivingBody, MAX_UNREAD_BYTES } from '../../src/client/wire/http/plain/arriving-body.ts';
import { HeldClock, settle } from '../support/held-clock.ts';

/** An address of this machine is met over sockets; one with a name and a password over `node:http`, as others are. */
const ways = { sockets: '', 'node:http': 'somebody:secret@' };

async function serving(credentials: string, listener: RequestListener, clock: Clock = new HeldClock()) {
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
    url: new URL(`http://${credentials}127.0.0.1:${(http.address() as AddressInfo).port}/mcp`),
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

for (const [way, credentials] of Object.entries(ways)) {
  describe(`the HTTP client over ${way}`, () => {
    it('sends what it is given, on one socket for requests after each other, and closes it at the end', async () => {
      const listener: RequestListener = async (request, response) => {
        let text = '';
        for await (const chunk of request) text += chunk;
        response.setHeader('x-seen', `${request.method} ${request.headers['x-sent']}`);
        response.end(text.toUpperCase());
      };
      await using server = await serving(credentials, listener, new HeldClock());
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
      await using server = await serving(credentials, (request, response) => {
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
      await using server = await serving(credentials, (_, response) => {
        response.setHeader('content-encoding', 'secret').end('said');
      });
      const response = await server.client.send(server.url, {});
      await assert.rejects(readWhole(response, 100), /encoded as "secret"/);
    });

    it('rejects with the reason of its signal, before the answer and in the middle of it', async () => {
      const begun = Promise.withResolvers<void>();
      await using server = await serving(credentials, (request, response) => {
        if (request.headers['x-part']) response.write('part');
        else begun.resolve();
      });
      const [early, late] = [new AbortController(), new AbortController()];
      const waiting = server.client.send(server.url, { signal: early.signal });
      await begun.promise;
      early.abort(new Error('no longer'));
      await assert.rejects(waiting, /no longer/);
      const headers = { 'x-part': 'yes' };
      const reader = (
        await server.client.send(server.url, { headers, signal: late.signal })
      ).body?.getReader();
      assert.equal(new TextDecoder().decode((await reader?.read())?.value), 'part');
      const rest = reader?.read();
      late.abort(new Error('enough'));
      await assert.rejects(async () => rest, /enough/);
      const isOver = AbortSignal.abort(new Error('too late'));
      await assert.rejects(server.client.send(server.url, { signal: isOver }), /too late/);
    });

    it('rejects when an answer breaks off, and when nobody listens', async () => {
      await using server = await serving(credentials, (_, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('part', () => response.destroy());
      });
      const response = await server.client.send(server.url, {});
      await assert.rejects(readWhole(response, 1000), /aborted|broken off/);
      const nobody = new URL('http://127.0.0.1:1/mcp');
      await assert.rejects(server.client.send(nobody, {}), { code: 'ECONNREFUSED' });
    });

    it('lets go of an answer that is not wanted', async () => {
      await using server = await serving(credentials, (_, response) => {
        response.write('part');
      });
      const response = await server.client.send(server.url, {});
      await response.body?.cancel();
      assert.deepEqual(await response.body?.getReader().read(), { done: true });
      while (server.open > 0) await settle();
    });

    it('keeps the socket of an answer that is not wanted and has arrived whole', async () => {
      const listener: RequestListener = (_, response) => void response.writeHead(202).end();
      await using server = await serving(credentials, listener, new HeldClock());
      for (let time = 0; time < 20; time += 1) {
        const response = await server.client.send(server.url, { method: 'POST', body: 'said' });
        await response.body?.cancel();
      }
      assert.equal(server.sockets, 1);
    });

    describe('sends on a connection that', () => {
      const age = async (wait: (clock: HeldClock) => unknown, connection?: ConnectionAge, hint?: string) => {
        const clock = new HeldClock();
        await using server = await serving(
          credentials,
          (_, response) => {
            if (hint !== undefined) response.setHeader('keep-alive', hint);
            response.end();
          },
          clock,
        );
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
      await using server = await serving(credentials, (_, response) => {
        response.end(() => response.socket?.end());
      });
      for (let request = 0; request < 20; request += 1) {
        const response = await server.client.send(server.url, { method: 'POST', body: '{}' });
        assert.equal(response.status, 200);
        await response.body?.cancel();
      }
    });
  });
}

describe('the HTTP client over sockets', () => {
  const serve = (listener: RequestListener, clock?: Clock) => serving('', listener, clock);

  it('sends a body of any letters after a head of any that a header may have', async () => {
    let seen: unknown;
    await using server = await serve(async (request, response) => {
      let text = '';
      for await (const chunk of request) text += chunk;
      seen = [request.headers['x-sent'], text];
      response.end();
    });
    const headers = { 'x-sent': 'zw\u00f6lf' };
    await server.client.send(server.url, { method: 'POST', headers, body: '\u{1f600}' });
    assert.deepEqual(seen, ['zw\u00f6lf', '\u{1f600}']);
  });

  it('lets nobody write into the head of a request, and says how long it is by itself', async () => {
    let seen: unknown;
    await using server = await serve((request, response) => {
      const { host, 'content-length': length, 'transfer-encoding': coding } = request.headers;
      seen = [host, length, coding];
      response.end();
    });
    for (const headers of [{ x: 'a\r\ny: b' }, { 'x: y\r\nz': 'b' }]) {
      await assert.rejects(server.client.send(server.url, { headers: Object.freeze(headers) }), TypeError);
    }
    assert.equal(server.sockets, 0);
    const headers = { 'content-length': '99', 'transfer-encoding': 'chunked' };
    await server.client.send(server.url, { method: 'POST', headers, body: 'four' });
    assert.deepEqual(seen, [server.url.host, '4', undefined]);
  });

  it('answers the next request on a connection whose last answer nobody has read', async () => {
    await using server = await serve((_, response) => void response.end(Buffer.alloc(MAX_UNREAD_BYTES)));
    let times = 0;
    const onConnection = (isUsed: boolean) => {
      times += Number(isUsed);
    };
    while (times < 3) {
      const response = await server.client.send(server.url, { onConnection });
      assert.equal(response.status, 200);
      await settle();
    }
    assert.ok(server.sockets < 100);
  });

  it('uses no connection on which something came unasked', async () => {
    const surplus = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfalse';
    await using server = await serve((_, response) => {
      response.end('true', () => response.socket?.write(surplus));
    });
    for (let time = 0; time < 20; time += 1) {
      const response = await server.client.send(server.url, {});
      assert.equal(await readWhole(response, 100), 'true');
    }
  });

  it('closes what has waited for a second, and keeps no more than 256 that wait', async () => {
    const clock = new HeldClock();
    const waiting: ServerResponse[] = [];
    await using server = await serve((_, response) => {
      waiting.push(response);
      if (waiting.length === 260) for (const each of waiting) each.end();
    }, clock);
    const sent = Array.from({ length: 260 }, () => server.client.send(server.url, {}));
    for (const response of await Promise.all(sent)) await readWhole(response, 100);
    while (server.open > 256) await settle();
    assert.equal(server.open, 256);
    await clock.advance(1000);
    await settle();
    assert.equal(server.open, 256);
    await clock.advance(1000);
    while (server.open > 0) await settle();
  });

  it('sends nothing for a request that was given up before its connection was made', async () => {
    let received = 0;
    await using server = await serve((_, response) => {
      received += 1;
      response.end();
    });
    const [asked, made] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const byHand = async (port: number) => {
      asked.resolve();
      await made.promise;
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    };
    const client = new NodeClient(() => assert.fail('there are sockets here'), systemClock, byHand);
    const over = new AbortController();
    const sending = client.send(server.url, { signal: over.signal });
    await asked.promise;
    over.abort(new Error('no longer'));
    made.resolve();
    await assert.rejects(sending, /no longer/);
    while (server.sockets === 0 || server.open > 0) await settle();
    assert.equal(received, 0);
    await client.close();
  });
});

describe('a body that arrives', () => {
  it('is read ahead by 64 KiB and no more, and on when somebody wants more', async () => {
    const said: string[] = [];
    const body = new ArrivingBody({
      pause: () => said.push('pause'),
      resume: () => said.push('resume'),
      drop: () => said.push('drop'),
    });
    body.push(new Uint8Array(MAX_UNREAD_BYTES - 1));
    assert.deepEqual(said, []);
    body.push(new Uint8Array(2));
    body.push(new Uint8Array(3));
    assert.deepEqual(said, ['pause']);
    for (const length of [MAX_UNREAD_BYTES - 1, 2, 3]) {
      assert.equal((await body.read()).value?.length, length);
    }
    const next = body.read();
    assert.deepEqual(said, ['pause', 'resume']);
    body.push(new Uint8Array(4));
    assert.equal((await next).value?.length, 4);
    await body.cancel();
    assert.deepEqual([said.at(-1), await body.read()], ['drop', { done: true }]);
  });
});

describe('an address', () => {
  it('is known to be one of this machine', () => {
    const yes = [
      'http://localhost:3000/mcp',
      'http://127.0.0.1/',
      'https://127.8.0.1:1',
      'http://[::1]:8080/mcp',
      'http://app.localhost/mcp',
    ];
    const no = ['http://localhost.example/', 'http://10.0.0.1/', 'http://example.com/'];
    for (const url of yes) assert.equal(isLoopback(new URL(url).hostname), true, url);
    for (const url of no) assert.equal(isLoopback(new URL(url).hostname), false, url);
  });
});
