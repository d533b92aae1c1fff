import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { type McpError, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { Gateway } from '../../src/hub/gateway/index.ts';
import { type WindowFile, windowFileOf, windowFileText } from '../../src/hub/gateway/window-file.ts';
import { WindowPlace } from '../../src/hub/gateway/window-place.ts';
import { quick } from '../support/connected.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { textOf } from '../support/sdk-client.ts';
import { attached, type Bridged, type BridgedOptions } from './bridged.ts';

const sessionKey = 'a key of 32 characters or more …';
const proofKey = 'what the window and attach have, and nobody else';
const isWindows = process.platform === 'win32';

describe('a client on stdio at the gateway of a window', () => {
  let folder: ScratchFolder;
  let stem: string;
  let server: ScriptedServer;
  const toEnd: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    folder = scratchFolder();
    stem = folder.file('windows/w1');
    server = await ScriptedServer.start();
    toEnd.push(() => server.close());
  });

  afterEach(async () => {
    for (const end of toEnd.splice(0).reverse()) await end();
    folder[Symbol.dispose]();
  });

  interface Window {
    readonly gateway: Gateway;
    readonly file: WindowFile;
    close(): Promise<void>;
  }
  let windows = 0;

  /** A window of the editor, as far as a client sees of it. */
  async function open(more: Partial<WindowFile> = {}): Promise<Window> {
    const [token, passingToken] = [`attach-${++windows}`, `passing-${windows}`];
    const gateway = new Gateway({
      upstreams: { one: { ...quick, url: server.url } },
      token: 'lasting',
      attachToken: token,
      passingToken,
      sessionKey,
      proofKey,
    });
    const file = {
      pid: process.pid,
      port: await gateway.start(),
      proofKey,
      token,
      passingToken,
      workspace: 'notes',
      ...more,
    };
    const place = new WindowPlace(stem);
    await place.tell(file);
    const close = async () => {
      await place.forget();
      await gateway.close({ keepSessions: true });
    };
    toEnd.push(close);
    return { gateway, file, close };
  }

  async function client(options: BridgedOptions = {}): Promise<Bridged> {
    const bridged = await attached(stem, 'one', options);
    toEnd.push(async () => bridged[Symbol.asyncDispose]());
    return bridged;
  }

  const failure = (promise: Promise<unknown>) =>
    promise.then(
      () => assert.fail('it was answered'),
      (error: McpError) => error,
    );

  it('is served by it', async () => {
    await open({ pid: 1 });
    const { call, client: plain } = await client();
    assert.equal(await call('count', { key: 'a' }), 'ran a');
    assert.ok((await plain.listTools()).tools.some(({ name }) => name === 'count'));
  });

  it('goes on in its session when the window was reloaded, with another port and other tokens', async () => {
    const first = await open({ pid: 1 });
    const { call, fact, log } = await client();
    assert.equal(await call('count', { key: 'a' }), 'ran a');
    await first.close();
    const second = await open({ pid: 1 });
    assert.notEqual(second.file.port, first.file.port);
    assert.equal(await call('count', { key: 'b' }), 'ran b');
    await fact('sessionOpened');
    assert.ok(!log.some((line) => line.includes('"fact":"sessionReplaced"')));
    assert.equal(second.gateway.sessions, 1);
  });

  it('has a call wait while the window is reloaded', async () => {
    const first = await open({ pid: 1 });
    const { call, fact } = await client();
    await first.close();
    const waiting = call('count', { key: 'a' });
    await fact('serverUnavailable');
    await open({ pid: 1 });
    assert.equal(await waiting, 'ran a');
    assert.equal(
      server.count(({ key }) => key === 'a'),
      1,
    );
  });

  it('is told in plain words that the window is closed, when that lasts', async () => {
    const first = await open({ pid: 1 });
    const { client: plain } = await client({ args: ['--wait', '2'] });
    await first.close();
    const { message, data } = await failure(plain.callTool({ name: 'count', arguments: { key: 'a' } }));
    assert.match(message, /The VS Code window of "notes" is closed.* Nothing was run\. Open it again/);
    assert.equal((data as { code?: string }).code, 'SERVER_UNAVAILABLE');
    await open({ pid: 1 });
    assert.equal(textOf(await plain.callTool({ name: 'count', arguments: { key: 'b' } })), 'ran b');
  });

  it('is answered lists from their last copy while the window is closed, and told what differs when it is open', async () => {
    const first = await open({ pid: 1 });
    const changed = Promise.withResolvers<void>();
    const { client: plain } = await client({
      prepare: (each) =>
        each.setNotificationHandler(ToolListChangedNotificationSchema, () => changed.resolve()),
    });
    const before = await plain.listTools();
    await first.close();
    assert.deepEqual(await plain.listTools(), before);
    server.face.tools = [...server.face.tools, { name: 'another' }];
    await open({ pid: 1 });
    await changed.promise;
    assert.equal((await plain.listTools()).tools.length, before.tools.length + 1);
  });

  it('begins while the window is closed, by what the server said last', async () => {
    const first = await open({ pid: 1 });
    const early = await client();
    const before = await early.client.listTools();
    await early[Symbol.asyncDispose]();
    await first.close();

    const changed = Promise.withResolvers<void>();
    const late = await client({
      prepare: (plain) =>
        plain.setNotificationHandler(ToolListChangedNotificationSchema, () => changed.resolve()),
    });
    assert.deepEqual(late.client.getServerVersion(), early.client.getServerVersion());
    assert.deepEqual(await late.client.listTools(), before);
    server.face.tools = [...server.face.tools, { name: 'another' }];
    await open({ pid: 1 });
    await changed.promise;
    assert.ok((await late.client.listTools()).tools.some(({ name }) => name === 'another'));
    assert.equal(await late.call('count', { key: 'a' }), 'ran a');
  });

  it('is told so at the handshake where nothing is remembered', async () => {
    const words = await failure(client({ args: ['--patience', '0.2'] }));
    assert.match(words.message, /The VS Code window of this server is closed/);
  });

  it('is found at another window of the same folder when its own is closed', async () => {
    const first = await open({ pid: process.ppid });
    const second = await open({ pid: 1 });
    assert.equal(readdirSync(dirname(stem)).length, 2);
    const { call } = await client();
    assert.equal(await call('count', { key: 'a' }), 'ran a');
    assert.equal(first.gateway.sessions, 1);
    await first.close();
    assert.equal(await call('count', { key: 'b' }), 'ran b');
    assert.equal(second.gateway.sessions, 1);
  });

  it('leaves no session behind where it was started by the process of the gateway', async () => {
    const { gateway } = await open();
    const { call } = await client();
    assert.equal(await call('count', { key: 'a' }), 'ran a');
    await gateway.close({ keepSessions: true });
    assert.equal(server.sessions.length, 0);
  });

  it('sends nothing to a stranger at the port of a gateway that is gone', async () => {
    const first = await open({ pid: 1 });
    const { call, fact } = await client({ args: ['--wait', '0.5'] });
    const { port } = first.file;
    await first.close();
    const stranger = new Gateway({ upstreams: { one: { ...quick, url: server.url } }, withoutToken: true });
    await stranger.start(port);
    toEnd.push(() => stranger.close());
    assert.equal(await call('count', { key: 'a' }), 'SERVER_UNAVAILABLE');
    await fact('serverUnavailable');
    assert.equal(
      server.count(({ key }) => key === 'a'),
      0,
    );
  });

  describe('shows its token to no stranger', () => {
    interface Stranger {
      readonly port: number;
      /** What came, without the proof that was asked for. */
      readonly requests: readonly IncomingMessage[];
      readonly asked: Promise<void>;
    }

    /** Answers whatever comes; a question for a proof as it is told. */
    async function stranger(port = 0, prove = async (_path: string): Promise<string> => 'hello') {
      const requests: IncomingMessage[] = [];
      const asked = Promise.withResolvers<void>();
      const listening = createServer(async (request, response) => {
        const isQuestion = request.url?.startsWith('/proof?') === true;
        assert.equal(request.headers.authorization, undefined);
        if (!isQuestion) requests.push(request);
        const proof = isQuestion ? await prove(request.url ?? '') : '';
        response.writeHead(isQuestion ? 204 : 200, { 'resilient-mcp-proof': proof }).end();
        if (isQuestion) asked.resolve();
      });
      listening.listen(port, '127.0.0.1');
      await once(listening, 'listening');
      toEnd.push(async () => {
        listening.close();
        listening.closeAllConnections();
      });
      const { port: taken } = listening.address() as AddressInfo;
      return { port: taken, requests, asked: asked.promise } satisfies Stranger;
    }

    it('at the port of a file that a killed window has left', async () => {
      const { port, requests, asked } = await stranger();
      await open({ pid: 1, port });
      const words = await failure(client({ args: ['--patience', '0.5'] }));
      assert.match(words.message, /window of "notes" is closed.* Nothing was run/);
      await asked;
      assert.deepEqual(requests, []);
    });

    it('that passes the question on to the window where it listens now', async () => {
      let real = '';
      const { port, requests, asked } = await stranger(0, async (path) => {
        const passed = await fetch(`${real}${path}`);
        return passed.headers.get('resilient-mcp-proof') ?? '';
      });
      const { gateway } = await open({ pid: 1, port });
      real = new URL(gateway.urlOf('one')).origin;
      await failure(client({ args: ['--patience', '0.5'] }));
      await asked;
      assert.deepEqual(requests, []);
    });

    it('that has taken the port of a window that was met before', async () => {
      const { gateway, file } = await open({ pid: 1 });
      const { call } = await client({ args: ['--wait', '0.5'] });
      assert.equal(await call('count', { key: 'a' }), 'ran a');
      // As by a kill: the file stays.
      await gateway.close({ keepSessions: true });
      const { requests, asked } = await stranger(file.port);
      assert.equal(await call('count', { key: 'b' }), 'SERVER_UNAVAILABLE');
      await asked;
      assert.deepEqual(requests, []);
    });
  });

  describe('keeps its secrets to this user', () => {
    const rightsOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

    it('in a folder and a file that nobody else can read', async function () {
      if (isWindows) this.skip(); // rights are not told by modes there
      await open();
      const early = await client();
      await early.client.listTools();
      await early[Symbol.asyncDispose]();
      assert.equal(rightsOf(dirname(stem)), '700');
      const files = readdirSync(dirname(stem)).map((name) => join(dirname(stem), name));
      assert.deepEqual(
        files.map(rightsOf),
        files.map(() => '600'),
      );
      assert.deepEqual(
        files.map((path) => basename(path)),
        ['w1.json', 'w1.one.lists'],
      );
    });

    it('and is refused a file that others can read, in words', async function () {
      if (isWindows) this.skip();
      await open();
      chmodSync(windowFileOf(stem), 0o644);
      const { message } = await failure(client());
      assert.match(message, /w1\.json is not used, since other users have rights to it \(mode 0644\)/);
      assert.match(message, /Delete it, and reload the window/);
    });

    it('and a folder that others can write to', async function () {
      if (isWindows) this.skip();
      await open();
      chmodSync(dirname(stem), 0o770);
      assert.match((await failure(client())).message, /windows is not used, since other users .*0770/);
    });

    it('and its file is gone with the gateway, but for one that tells of another', async () => {
      const first = await open();
      const text = readFileSync(windowFileOf(stem), 'utf8');
      assert.ok(text.includes(first.file.token));
      await first.close();
      assert.ok(!existsSync(windowFileOf(stem)));
      const second = new WindowPlace(stem);
      await second.tell(first.file);
      writeFileSync(windowFileOf(stem), windowFileText({ ...first.file, token: 'another' }));
      await second.forget();
      assert.ok(existsSync(windowFileOf(stem)));
    });

    it('and makes its folder this user’s alone, whatever it was', async function () {
      if (isWindows) this.skip();
      mkdirSync(dirname(stem), { mode: 0o755 });
      await open();
      assert.equal(rightsOf(dirname(stem)), '700');
    });
  });
});
