import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createNetServer, connect as dial, type Socket } from 'node:net';
import { pathToFileURL } from 'node:url';
import { Bodies, type HeldBody } from '../../src/cli/serve/bodies.ts';
import { type FrontLimits, front } from '../../src/cli/serve/front.ts';
import { ParentStore } from '../../src/cli/serve/shared-store.ts';
import { NothingServes } from '../../src/cli/serve/supervisor.ts';
import { WorkerProcess } from '../../src/cli/serve/worker-process.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
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
/** A process that listens nowhere; its socket is whoever's is there. */
function muteWorker(folder: ScratchFolder): WorkerProcess {
  writeFileSync(folder.file('worker.mjs'), 'process.on("message", () => {});\n');
  return new WorkerProcess({
    script: pathToFileURL(folder.file('worker.mjs')),
    assignment: {
      kind: 'serve',
      module: folder.file('server.mjs'),
      socketPath: folder.file('nobody.sock'),
      keys: [],
      scope: '',
      allowedHosts: [],
      maxBodyBytes: 1000,
      watch: false,
    },
    store: new ParentStore(),
    startTimeoutMs: 60_000,
    drainTimeoutMs: 1000,
    onFiles: () => {},
  });
}

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

describe('the front of resilient-mcp serve', () => {
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

describe('the bodies of requests', () => {
  it('are held until they are let go of, and those that are refused or broken off are not held at all', async () => {
    const bodies = new Bodies({ maxBodyBytes: 1000, maxHeldBytes: 10_000 });
    const results: unknown[] = [];
    const read = Promise.withResolvers<void>();
    const server = createServer((incoming, response) => {
      void bodies.read(incoming).then((body) => {
        results.push(body);
        response.end();
        if (results.length === 3) read.resolve();
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      const head = (length: number) => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;
      for (const [length, sent] of [
        [500, 500],
        [2000, 2000],
        [900, 10],
      ] as const) {
        const socket = dial(port, '127.0.0.1');
        socket.end(head(length) + 'x'.repeat(sent));
      }
      await read.promise;
      assert.equal(bodies.held, 500);
      const whole = results.find((result) => typeof result === 'object') as HeldBody;
      assert.equal(whole.bytes.length, 500);
      assert.deepEqual(results.filter((result) => typeof result === 'string').sort(), ['gone', 'too large']);
      whole.release();
      whole.release();
      assert.equal(bodies.held, 0);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

describe('who comes to the front', () => {
  let http: Server;
  let port: number;
  let isAsked = 0;

  const nobody = async (): Promise<WorkerProcess> => {
    isAsked++;
    throw new NothingServes('nobody is here');
  };
  const start = async (limits: Partial<FrontLimits> = {}, next = nobody) => {
    isAsked = 0;
    http = front({
      path: '/secret/mcp',
      allowedHosts: ['localhost', '127.0.0.1'],
      limits,
      next,
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

  it('waits for a process that has gone only as often as is said', async () => {
    using folder = scratchFolder();
    const worker = muteWorker(folder);
    try {
      let tries = 0;
      await start({ maxMisses: 3 }, async () => {
        tries++;
        return worker;
      });
      const text = request('POST /secret/mcp', ['Host: localhost', 'Content-Length: 2'], '{}');
      assert.match(await answerTo(port, text), /^HTTP\/1\.1 503 .*not to be reached/s);
      assert.equal(tries, 4);
    } finally {
      worker.kill();
      await worker.exited;
    }
  });

  it('is answered that it may have run only when its process is known to have ended: the next call is for another', async () => {
    using folder = scratchFolder();
    const worker = muteWorker(folder);
    const cut = Promise.withResolvers<void>();
    const dying = createNetServer((socket) => {
      socket.once('data', () => socket.destroy()).once('close', cut.resolve);
    }).listen(folder.file('nobody.sock'));
    let isOver = false;
    try {
      await start({}, async () => worker);
      const body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}}';
      const head = ['Host: localhost', 'Content-Type: application/json', `Content-Length: ${body.length}`];
      const answer = answerTo(port, request('POST /secret/mcp', head, body));
      void answer.then(() => {
        isOver = true;
      });
      await cut.promise;
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      assert.equal(isOver, false);
      worker.kill();
      assert.match(await answer, /^HTTP\/1\.1 502 .*may have run/s);
    } finally {
      dying.close();
      worker.kill();
      await worker.exited;
    }
  });

  it('has its time to send a request, and no more', async () => {
    await start({ requestTimeoutMs: 50 });
    const text = request('POST /secret/mcp', ['Host: localhost', 'Content-Length: 10'], '{');
    assert.match(await answerTo(port, text), /^HTTP\/1\.1 408 /);
    assert.equal(isAsked, 0);
  });
});
