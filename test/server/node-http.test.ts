import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { nodeListener, type RequestContext } from '../../src/server/index.ts';
import { initialize, ping, served } from './served.ts';

/** A handler behind node:http, without any manager. */
async function handled(handle: (request: Request, context?: RequestContext) => Promise<Response>) {
  const http = createServer(nodeListener({ handle }));
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const { port } = http.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}/`,
    [Symbol.dispose]() {
      http.closeAllConnections();
      http.close();
    },
  };
}

describe('the listener for node:http', () => {
  it('takes the body that a middleware has read already', async () => {
    const wrap = (listener: (request: IncomingMessage, response: never) => void) => {
      return async (incoming: IncomingMessage, response: never) => {
        const chunks: Buffer[] = [];
        for await (const chunk of incoming) chunks.push(chunk);
        const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks).toString()) : undefined;
        listener(Object.assign(incoming, { body }), response);
      };
    };
    await using server = await served({ wrap: wrap as never });
    const opened = await server.post(initialize);
    assert.equal(opened.status, 200);
    const headers = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
    assert.match(await (await server.post(ping, headers)).text(), /"id":7/);
  });

  it('hands on who the authorization middleware said it is', async () => {
    const auth = { token: 't', clientId: 'someone', scopes: [] };
    const seen: unknown[] = [];
    const handle = async (_: Request, context?: { authInfo?: unknown }) => {
      seen.push(context?.authInfo);
      return new Response('');
    };
    const http = createServer((incoming, outgoing) => {
      void nodeListener({ handle })(Object.assign(incoming, { auth }), outgoing);
    });
    await once(http.listen(0, '127.0.0.1'), 'listening');
    await fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}/`);
    assert.deepEqual(seen, [auth]);
    http.close();
  });

  it('sends the headers of a stream before its first chunk', async () => {
    using server = await handled(async () => new Response(new ReadableStream(), { headers: { 'x-a': 'b' } }));
    const leave = new AbortController();
    const response = await fetch(server.url, { signal: leave.signal });
    assert.equal(response.headers.get('x-a'), 'b');
    leave.abort();
  });

  it('gives a stream up when its client is gone', async () => {
    const givenUp = Promise.withResolvers<void>();
    const stream = new ReadableStream({ cancel: () => givenUp.resolve() });
    using server = await handled(async () => new Response(stream));
    const leave = new AbortController();
    await fetch(server.url, { signal: leave.signal });
    leave.abort();
    await givenUp.promise;
  });

  it('aborts the request of a client that left before the answer', async () => {
    const arrived = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    using server = await handled(({ signal }) => {
      signal.addEventListener('abort', () => aborted.resolve());
      arrived.resolve();
      return aborted.promise.then(() => new Response('too late'));
    });
    const leave = new AbortController();
    const left = assert.rejects(fetch(server.url, { signal: leave.signal }));
    await arrived.promise;
    leave.abort();
    await Promise.all([left, aborted.promise]);
  });

  for (const asked of ['before', 'after']) {
    it(`says that a body broke off when it is asked for ${asked} its client left`, async () => {
      const arrived = Promise.withResolvers<void>();
      const result = Promise.withResolvers<unknown>();
      using server = await handled(async ({ signal }, context) => {
        const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
        arrived.resolve();
        if (asked === 'after') await aborted;
        result.resolve(await context?.readBody?.(1000).catch((error: Error) => error.message));
        return new Response('');
      });
      const sending = request(server.url, { method: 'POST', headers: { 'content-length': '100' } });
      sending.on('error', () => {});
      sending.write('half');
      await arrived.promise;
      sending.destroy();
      assert.equal(await result.promise, 'The body broke off.');
    });
  }

  it('waits for a slow reader instead of holding the whole stream', async () => {
    let made = 0;
    const endless = new ReadableStream({
      pull(controller) {
        made += 1;
        controller.enqueue(new Uint8Array(64 * 1024));
      },
    });
    using server = await handled(async () => new Response(endless));
    const response = await new Promise<IncomingMessage>((resolve) => request(server.url, resolve).end());
    // It has stopped when two looks see the same count; a writer that does not wait never stops.
    for (let before = -1; before !== made; ) {
      before = made;
      for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(made > 0 && made < 1000, `${made} chunks of 64 KiB were made`);
    response.destroy();
  });

  it('breaks the connection off when a stream fails in the middle', async () => {
    let pulls = 0;
    const failing = new ReadableStream({
      pull(controller) {
        pulls += 1;
        if (pulls === 1) controller.enqueue(new TextEncoder().encode('begun'));
        else controller.error(new Error('lost'));
      },
    });
    using server = await handled(async () => new Response(failing));
    const response = await fetch(server.url);
    assert.equal(response.status, 200);
    await assert.rejects(response.text());
  });

  it('answers 400 to an address that cannot be read', async () => {
    using server = await handled(async () => assert.fail('it was handled'));
    const socket = connect(server.port, '127.0.0.1');
    socket.write('GET /mcp HTTP/1.1\r\nHost: a b c\r\nConnection: close\r\n\r\n');
    let text = '';
    for await (const chunk of socket.setEncoding('utf8')) text += chunk;
    assert.match(text, /^HTTP\/1\.1 400 /);
  });
});
