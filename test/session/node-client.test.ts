import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { systemClock } from '../../src/session/environment.ts';
import { readWhole } from '../../src/session/http/body.ts';
import { isLoopback } from '../../src/session/http/choose-client.ts';
import { NodeClient } from '../../src/session/http/node/node-client.ts';
import { settle } from '../support/held-clock.ts';

async function serving(listener: RequestListener) {
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
  const client = new NodeClient(() => assert.fail('there is node:http here'), systemClock);
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

  it('decodes what a server encodes although it was asked not to', async () => {
    const asked: unknown[] = [];
    await using server = await serving((request, response) => {
      asked.push(request.headers['accept-encoding']);
      response.setHeader('content-encoding', 'gzip').end(gzipSync('said'));
    });
    assert.equal(await readWhole(await server.client.send(server.url, {}), 100), 'said');
    assert.deepEqual(asked, ['identity']);
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
