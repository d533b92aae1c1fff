import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { CancellationToken, ExtensionContext, McpStdioServerDefinition } from 'vscode';
import { parseWindowFile } from '../../src/hub/gateway/window-file.ts';
import { program } from '../cli/serving.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { textOf } from '../support/sdk-client.ts';
import { extension } from './editor-double/load.ts';
import { type editor as Editor, Keeping, newEditor } from './editor-double/vscode.ts';

// That the editor's own client gets through is shown by test/editor.
describe('the servers that the extension offers to the editor', () => {
  const toEnd: AsyncDisposable[] = [];
  let editor: typeof Editor;
  let keeping: Keeping;
  let server: ScriptedServer;

  beforeEach(async () => {
    editor = newEditor();
    keeping = new Keeping();
    server = await ScriptedServer.start();
    toEnd.push({ [Symbol.asyncDispose]: () => server.close() });
  });

  afterEach(async () => {
    await extension.deactivate();
    for (const each of toEnd.splice(0).reverse()) await each[Symbol.asyncDispose]();
  });

  async function activate(servers: object): Promise<void> {
    editor.userValue = servers;
    const { secrets, workspaceState, globalState, extensionUri, globalStorageUri } = keeping;
    const facts = { subscriptions: [], extension: { packageJSON: { version: '1.2.3' } } };
    await extension.activate({
      ...facts,
      secrets,
      workspaceState,
      globalState,
      extensionUri,
      globalStorageUri,
    } as unknown as ExtensionContext);
  }

  /** The window was reloaded: a new extension host, in which only what the editor keeps is as it was. */
  async function reload(): Promise<void> {
    await extension.deactivate();
    const { userValue } = editor;
    editor = newEditor();
    await activate(userValue as object);
  }

  const never = { isCancellationRequested: false } as CancellationToken;
  const provider = () => editor.definitionProviders.get('resilientMcp.servers') ?? assert.fail('no provider');
  const provided = async () => (await provider().provideMcpServerDefinitions(never)) ?? [];
  const only = async () => (await provided())[0] ?? assert.fail('nothing is offered');

  /** An SDK client that does as the editor does, with the program from its sources. */
  async function connect({ command, args: [, ...args], env }: McpStdioServerDefinition) {
    const transport = new StdioClientTransport({
      command,
      args: [program, 'attach', ...args],
      env: { ...(process.env as Record<string, string>), ...(env as Record<string, string>) },
      stderr: 'ignore',
    });
    const client = new Client({ name: 'editor', version: '1.0.0' });
    await client.connect(transport as Parameters<Client['connect']>[0]);
    const close = () => client.close();
    toEnd.push({ [Symbol.asyncDispose]: close });
    const call = async (key: string) => textOf(await client.callTool({ name: 'count', arguments: { key } }));
    return { call, close };
  }

  /** What the editor keeps of the gateway of the window beside the definitions. */
  function windowFile(definition: McpStdioServerDefinition) {
    const file = `${definition.args[1]}.json`;
    return existsSync(file) ? parseWindowFile(readFileSync(file, 'utf8')) : undefined;
  }

  it('are those of the setting, each as a program that is whole as it is provided, with nothing that is secret', async () => {
    await activate({
      a: { url: server.url, headers: { Authorization: 'Bearer theirs' } },
      b: { command: 'node', args: ['b.js'], env: { TOKEN: 'theirs' } },
    });
    const definitions = await provided();
    const stem = definitions[0]?.args[1] ?? '';
    assert.match(stem, /\/windows\/[\w-]{36}$/);
    assert.ok(stem.startsWith(keeping.globalStorageUri.fsPath));
    const common = {
      command: process.execPath,
      env: { ELECTRON_RUN_AS_NODE: '1' },
      version: undefined,
      cwd: undefined,
    };
    const attach = '/extensions/resilient-mcp/dist/attach.js';
    assert.deepEqual(
      definitions.map((each) => ({ ...each })),
      ['a', 'b'].map((name) => ({ ...common, label: `${name}-resilient`, args: [attach, stem, name] })),
    );
    assert.equal(provider().resolveMcpServerDefinition, undefined);
  });

  it('are none, and no port is opened, while none is configured', async () => {
    await activate({});
    assert.deepEqual(await provided(), []);
    assert.equal(keeping.state.has('gateway.port'), false);
  });

  it('are known at the first question, although a value of an input is still to be read', async () => {
    keeping.secretTexts.set('input:user:token', 'entered');
    const token = `\${input:token}`;
    await activate({ a: { url: server.url, headers: { Authorization: token } } });
    const definition = await only();
    assert.equal(definition.label, 'a-resilient');
    assert.ok(!JSON.stringify(definition).includes('entered'));
  });

  it('are called through a connection of the fleet, by whoever starts their program', async () => {
    await activate({ a: { url: server.url } });
    const { call } = await connect(await only());
    assert.equal(await call('k'), 'ran k');
    assert.equal(server.count({ rpc: 'initialize' }), 2);
    assert.match(
      editor.logged.join('\n'),
      /^gateway\.sessionOpened server=a .*\n(.*\n)*sessionOpened server=a client=1 /m,
    );
  });

  it('are closed to everyone else', async () => {
    await activate({ a: { url: server.url } });
    const definition = await only();
    await (await connect(definition)).call('k');
    const url = `http://127.0.0.1:${windowFile(definition)?.port}/a/mcp`;
    assert.equal((await fetch(url, { method: 'POST', body: '{}' })).status, 401);
  });

  it('are the same to the editor whatever of them changes but their names', async () => {
    await activate({ a: { url: server.url } });
    const before = await only();
    await (await connect(before)).call('k');
    const met = windowFile(before);
    await server.restart('404-json');
    const changes = [
      { a: { url: server.url, headers: { 'X-Team': 'two' } } },
      { a: { url: `${server.url}?other`, replay: { default: 'never' }, shared: true } },
      { b: { url: server.url }, a: { command: 'node', args: ['a.js'], env: { A: '1' } } },
      { a: { url: server.url, enabled: true, endSession: false } },
    ];
    for (const change of changes) {
      editor.configure(change);
      const after = (await provided()).find(({ label }) => label === before.label);
      assert.deepEqual({ ...after }, { ...before });
    }
    // Another port, and other tokens: its own was taken when the window was closed.
    await extension.deactivate();
    const stranger = createServer().listen(met?.port, '127.0.0.1');
    toEnd.push({ [Symbol.asyncDispose]: async () => void stranger.close() });
    const { userValue } = editor;
    editor = newEditor();
    await activate(userValue as object);
    assert.deepEqual({ ...(await only()) }, { ...before });
    await (await connect(before)).call('k2');
    assert.notEqual(windowFile(before)?.port, met?.port);
    assert.notEqual(windowFile(before)?.token, met?.token);
  });

  it('are told of anew only when there are others than before', async () => {
    await activate({ a: { url: server.url } });
    let told = 0;
    provider().onDidChangeMcpServerDefinitions?.(() => told++);
    editor.configure({ a: { url: server.url, headers: { 'X-Team': 'two' } } });
    assert.equal(told, 0);
    editor.configure({ a: { url: server.url }, b: { url: server.url } });
    editor.configure({ b: { url: server.url } });
    assert.equal(told, 2);
  });

  it('may have names that no address can hold', async () => {
    const names = ['my server', 'a/b?c#d%2F', '..'];
    await activate(Object.fromEntries(names.map((name) => [name, { url: server.url }])));
    for (const definition of await provided()) {
      const { call } = await connect(definition);
      assert.equal(await call(definition.label), `ran ${definition.label}`);
    }
  });

  it('are where they were after the window was reloaded', async () => {
    await activate({ a: { url: server.url } });
    const before = await only();
    const { call } = await connect(before);
    assert.equal(await call('one'), 'ran one');
    await reload();
    assert.deepEqual({ ...(await only()) }, { ...before });
    assert.equal(await call('two'), 'ran two');
    // It was started by the process of the gateway, as by the editor's own client: its session ended with that.
    assert.equal(server.sessions.length, 1);
  });

  it('are offered also where the editor keeps no secrets, under a token for this time', async () => {
    keeping.noSecrets = 'the keyring is locked';
    await activate({ a: { url: server.url } });
    const { call } = await connect(await only());
    assert.equal(await call('k'), 'ran k');
    assert.ok(editor.logged.some((line) => /^gatewayNotKept .*keyring is locked/.test(line)));
  });

  it('say their token to no log, and have it in no file but one', async () => {
    await activate({ a: { url: server.url } });
    const definition = await only();
    await (await connect(definition)).call('k');
    const { token = '', passingToken = '' } = windowFile(definition) ?? {};
    assert.ok(token.length > 40 && passingToken.length > 40);
    const kept = [...keeping.state, ...keeping.userState, ...keeping.secretTexts, ...editor.logged];
    for (const secret of [token, passingToken]) {
      assert.ok(!JSON.stringify([kept, await provided()]).includes(secret));
    }
    await extension.deactivate();
    assert.equal(windowFile(definition), undefined);
  });

  it('are offered also where their file cannot be written, which the log says', async () => {
    mkdirSync(dirname(keeping.globalStorageUri.fsPath), { recursive: true });
    writeFileSync(keeping.globalStorageUri.fsPath, 'no folder');
    await activate({ a: { url: server.url } });
    assert.equal((await only()).label, 'a-resilient');
    await extension.deactivate();
    assert.ok(editor.logged.some((line) => /^gatewayNotFound reason=/.test(line)));
  });
});
