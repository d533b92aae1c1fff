import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect as dial, type Socket } from 'node:net';
import { type FrontLimits, front } from '../../src/cli/serve/front.ts';
import { NothingServes } from '../../src/cli/serve/supervisor.ts';
import { connect, lineOf, project, serve, serverModule, versionModule, workerOf } from './serving.ts';

const files = { 'server.ts': serverModule, 'version.ts': versionModule('v0') };

/** A server whose list of tools ends the process for whoever asks for a certain page. */
const mortalModule = `
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

export function createServer() {
  const server = new Server({ name: 'mortal', version: '1.0.0' }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
    if (params?.cursor === 'die') process.exit(9);
    return { tools: [{ name: String(process.pid), inputSchema: { type: 'object' } }] };
  });
  return server;
}
`;

/** What comes back on a connection of one's own, up to the end of the first answer, or of the connection. */
async function answerTo(port: number, text: string): Promise<string> {
  const socket = dial(port, '127.0.0.1');
  socket.write(text);
  return heard(socket).finally(() => socket.destroy());
}

async function heard(socket: Socket): Promise<string> {
  let all = '';
  for await (const chunk of socket.setEncoding('utf8')) {
    all += chunk;
    const [head = '', body = ''] = all.split('\r\n\r\n');
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
    if (body.length >= length || all.endsWith('\r\n0\r\n\r\n')) break;
  }
  return all;
}

const post = (headers: readonly string[], body = '') =>
  `POST /mcp HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n${body}`;

describe('the front of resilient-mcp serve', function () {
  this.timeout(90_000);

  it('refuses a request with two Host headers, and serves everybody else', async () => {
    using folder = project(files);
    await using server = await serve(folder);
    const port = Number(new URL(server.url).port);
    const both = ['Host: localhost', 'Host: other', 'Content-Length: 0'];
    assert.match(await answerTo(port, post(both)), /^HTTP\/1\.1 400 .*more than one host header/s);
    await using client = await connect(server.url);
    assert.equal(await client.call('version'), 'v0');
  });

  it('takes a body of 4 MiB, or of what --max-message says', async () => {
    using folder = project(files);
    const headers = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };
    // What is no message is refused by the process behind the front.
    const refusals = async (args: readonly string[]) => {
      await using server = await serve(folder, { args });
      const statuses: number[] = [];
      for (const mebibytes of [5, 7]) {
        const body = `"${'x'.repeat(mebibytes * 1024 * 1024)}"`;
        statuses.push((await fetch(server.url, { method: 'POST', headers, body })).status);
      }
      return statuses;
    };
    assert.deepEqual(await refusals([]), [413, 413]);
    assert.deepEqual(await refusals(['--max-message', '6']), [400, 413]);
  });

  it('gives a request to two processes and no further, and is not given up for that', async () => {
    using folder = project({ 'server.ts': mortalModule });
    await using server = await serve(folder, { args: ['--max-restarts', '2'] });
    await using client = await connect(server.url);
    for (let attack = 1; attack <= 3; attack++) {
      await assert.rejects(
        client.client.listTools({ cursor: 'die' }),
        /2 server processes ended under this request; it is not sent to another/,
      );
    }
    assert.equal((await client.client.listTools()).tools.length, 1);
    const isEnd = (line: string) => /ended \(exit code 9\) under a request/.test(line);
    while (server.output.filter(isEnd).length < 6) await lineOf(server, /ended/);
    assert.equal(server.output.filter(isEnd).length, 6);
  });

  it('gives up a module that ends while nobody asks for anything, as often as is said', async () => {
    using folder = project({ 'server.ts': mortalModule });
    await using server = await serve(folder, { args: ['--max-restarts', '1'] });
    const again = lineOf(server, /serving \(pid/);
    process.kill(workerOf(server), 'SIGKILL');
    await again;
    const givenUp = lineOf(server, /it crashed 2 times within a minute: not started again/);
    process.kill(workerOf(server), 'SIGKILL');
    await givenUp;
  });
});

describe('who comes to the front', () => {
  let http: Server;
  let port: number;
  let isAsked = 0;

  const start = async (limits: Partial<FrontLimits> = {}) => {
    isAsked = 0;
    http = front({
      path: '/secret/mcp',
      allowedHosts: ['localhost', '127.0.0.1'],
      limits,
      next: async () => {
        isAsked++;
        throw new NothingServes('nobody is here');
      },
    });
    await once(http.listen(0, '127.0.0.1'), 'listening');
    port = (http.address() as AddressInfo).port;
  };
  afterEach(() => {
    http.closeAllConnections();
    http.close();
  });

  const request = (head: string, headers: readonly string[], body = '') =>
    `${head} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n${body}`;
  const much = 'Content-Length: 4000000';

  for (const [what, text, status] of [
    ['names another host', request('POST /secret/mcp', ['Host: evil.example', much]), 403],
    [
      'comes from a page of another',
      request('POST /secret/mcp', ['Host: localhost', 'Origin: https://evil.example', much]),
      403,
    ],
    [
      'has two origins',
      request('POST /secret/mcp', ['Host: localhost', 'Origin: http://localhost', 'Origin: null', much]),
      400,
    ],
    ['does not know the path', request('POST /mcp', ['Host: localhost', much]), 404],
    ['asks by another method', request('PUT /secret/mcp', ['Host: localhost', much]), 405],
    [
      'says that it brings too much',
      request('POST /secret/mcp', ['Host: localhost', 'Content-Length: 4194305']),
      413,
    ],
    ['gives a whole address', request('POST http://localhost/secret/mcp', ['Host: localhost', much]), 400],
  ] as const) {
    it(`is refused before a byte of the body is read, when it ${what}`, async () => {
      await start();
      const answer = await answerTo(port, text);
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.doesNotMatch(answer, /secret/);
      assert.equal(isAsked, 0);
    });
  }

  it('is refused in words when a body without a length is too large', async () => {
    await start({ maxBodyBytes: 1000 });
    const chunk = `400\r\n${'x'.repeat(1024)}\r\n`;
    const text = request('POST /secret/mcp', ['Host: localhost', 'Transfer-Encoding: chunked'], chunk);
    assert.match(await answerTo(port, text), /^HTTP\/1\.1 413 .*larger than 1000 bytes/s);
  });

  it('holds no more than all may hold together: the slowest makes room, and the next one is let in', async () => {
    await start({ maxBodyBytes: 100_000, maxHeldBytes: 250_000 });
    const head = request(
      'POST /secret/mcp',
      ['Host: localhost', 'Content-Length: 100000'],
      'x'.repeat(99_999),
    );
    const slow: Socket[] = [];
    try {
      const first = dial(port, '127.0.0.1');
      slow.push(first);
      first.write(head);
      const refused = heard(first);
      // The first is pushed out as soon as the others hold so much that there is no room for all.
      for (let count = 0; count < 4; count++) {
        const socket = dial(port, '127.0.0.1');
        slow.push(socket);
        socket.write(head);
      }
      assert.match(await refused, /^HTTP\/1\.1 503 .*Too many large requests/s);
      const answer = await answerTo(
        port,
        request('POST /secret/mcp', ['Host: localhost', 'Content-Length: 2'], '{}'),
      );
      assert.match(answer, /^HTTP\/1\.1 503 .*nobody is here/s);
    } finally {
      for (const socket of slow) socket.destroy();
    }
  });

  it('has its time to send a request, and no more', async () => {
    await start({ requestTimeoutMs: 50 });
    const text = request('POST /secret/mcp', ['Host: localhost', 'Content-Length: 10'], '{');
    assert.match(await answerTo(port, text), /^HTTP\/1\.1 408 /);
    assert.equal(isAsked, 0);
  });
});
