import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { nodeListener, type RequestContext } from '../../src/server/index.ts';
import { initialize, ping, served } from './served.ts';

/** All that a server says to these bytes, on a connection of their own. */
async function said(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) text += chunk;
  return text;
}

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

  it('goes on to send a stream that did not end at once', async () => {
    const later = Promise.withResolvers<void>();
    const stream = new ReadableStream({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode('now, '));
        await later.promise;
        controller.enqueue(new TextEncoder().encode('later'));
        controller.close();
      },
    });
    using server = await handled(async () => new Response(stream));
    const response = await fetch(server.url);
    assert.equal(response.headers.get('content-length'), null);
    const reader = response.body?.getReader();
    assert.equal(Buffer.from((await reader?.read())?.value ?? []).toString(), 'now, ');
    later.resolve();
    assert.equal(Buffer.from((await reader?.read())?.value ?? []).toString(), 'later');
    assert.equal((await reader?.read())?.done, true);
  });

  it('sends an answer that is complete at once with its length', async () => {
    const parts = ['à', ' la', ' carte'];
    const stream = () =>
      new ReadableStream({
        start(controller) {
          for (const part of parts) controller.enqueue(new TextEncoder().encode(part));
          controller.close();
        },
      });
    using server = await handled(async () => new Response(stream(), { headers: { 'x-a': 'b' } }));
    const response = await fetch(server.url);
    assert.equal(response.headers.get('content-length'), '11');
    assert.equal(response.headers.get('x-a'), 'b');
    assert.equal(await response.text(), parts.join(''));
  });

  it('says how long the connection may be used again, also when the answer only says that it may', async () => {
    const headers = { connection: 'keep-alive', 'x-a': 'b' };
    using server = await handled(async () => new Response('', { headers }));
    const response = await fetch(server.url);
    assert.equal(response.headers.get('keep-alive'), 'timeout=5');
    assert.equal(response.headers.get('connection'), 'keep-alive');
  });

  it('closes the connection when the answer says so', async () => {
    using server = await handled(async () => new Response('', { headers: { connection: 'close' } }));
    const response = await fetch(server.url);
    assert.equal(response.headers.get('connection'), 'close');
  });

  it('leaves the length alone that an answer says itself', async () => {
    using server = await handled(async () => new Response('four', { headers: { 'content-length': '4' } }));
    const text = await said(server.port, 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    assert.equal(text.match(/content-length/gi)?.length, 1);
  });

  for (const [ending, body] of [
    ['whole', 'the answer'],
    ['empty', null],
    ['broken', new ReadableStream({ pull: (controller) => controller.error(new Error('lost')) })],
  ] as const) {
    it(`says once that an answer was sent which is ${ending}`, async () => {
      const sent: string[] = [];
      using server = await handled(async (_, context) => {
        context?.onSent?.(() => sent.push('sent'));
        return new Response(body);
      });
      const read = fetch(server.url).then((response) => response.text());
      await (ending === 'broken' ? assert.rejects(read) : read);
      assert.deepEqual(sent, ['sent']);
    });
  }

  it('says that an answer was sent when its client left in the middle', async () => {
    const sent = Promise.withResolvers<void>();
    using server = await handled(async (_, context) => {
      context?.onSent?.(sent.resolve);
      return new Response(new ReadableStream());
    });
    const leave = new AbortController();
    await fetch(server.url, { signal: leave.signal });
    leave.abort();
    await sent.promise;
  });

  it('gives an answer up when somebody else has answered', async () => {
    const givenUp = Promise.withResolvers<void>();
    const stream = new ReadableStream({ cancel: () => givenUp.resolve() });
    const listener = nodeListener({ handle: async () => new Response(stream) });
    const http = createServer((incoming, outgoing) => {
      outgoing.writeHead(408).end();
      void listener(incoming, outgoing);
    });
    await once(http.listen(0, '127.0.0.1'), 'listening');
    const response = await fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}/`);
    assert.equal(response.status, 408);
    await givenUp.promise;
    http.close();
  });

  it('gives a handler that it does not know a request that can be copied', async () => {
    using server = await handled(async (request) => {
      const copy = new Request(request, { headers: { ...Object.fromEntries(request.headers), 'x-b': 'c' } });
      return new Response(`${copy.method} ${copy.headers.get('x-a')} ${copy.headers.get('x-b')}`);
    });
    const response = await fetch(server.url, { method: 'DELETE', headers: { 'x-a': 'b' } });
    assert.equal(await response.text(), 'DELETE b c');
  });

  it("gives a server's author requests that can be copied", async () => {
    const copies: string[] = [];
    await using server = await served({
      factory: ({ request }) => {
        copies.push(`opened with ${new Request(request).headers.get('x-a')}`);
        return new McpServer({ name: 'test', version: '1.0.0' });
      },
      principalOf: (_, request) => {
        copies.push(`asked with ${new Request(request).headers.get('x-a')}`);
        return undefined;
      },
    });
    await (await server.post(initialize, { 'x-a': 'b' })).text();
    assert.deepEqual(copies, ['asked with b', 'opened with b']);
  });

  const hostless = { 'a host that is none': 'a b c', 'a host with a password': 'me:secret@localhost' };
  for (const [what, host] of Object.entries(hostless)) {
    it(`answers 400 to an address with ${what}`, async () => {
      using server = await handled(async () => assert.fail('it was handled'));
      const head = `GET /mcp HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      assert.match(await said(server.port, head), /^HTTP\/1\.1 400 /);
    });
  }

  it('answers 405 to a method that no Request may have', async () => {
    await using server = await served();
    const head = 'TRACE /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
    assert.match(await said(server.port, head), /^HTTP\/1\.1 405 /);
  });

  it('refuses a request with two hosts, the first of which would be served', async () => {
    await using server = await served();
    const head = 'GET /mcp HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n';
    assert.match(await said(server.port, head), /^HTTP\/1\.1 403 /);
  });
});
