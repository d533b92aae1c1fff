import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { CancellationToken, ExtensionContext, McpHttpServerDefinition } from 'vscode';
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
    const { secrets, workspaceState, globalState, extensionUri } = keeping;
    const facts = { subscriptions: [], extension: { packageJSON: { version: '1.2.3' } } };
    await extension.activate({
      ...facts,
      secrets,
      workspaceState,
      globalState,
      extensionUri,
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
  const resolved = async (definition: McpHttpServerDefinition | undefined) =>
    (await provider().resolveMcpServerDefinition?.(definition ?? assert.fail('none'), never)) ??
    assert.fail();
  const only = async () => (await provided())[0] ?? assert.fail('nothing is offered');

  /** An SDK client that does as the editor does. */
  async function connect(definition: McpHttpServerDefinition) {
    const { uri, headers } = await resolved(definition);
    const transport = new StreamableHTTPClientTransport(new URL(uri.toString()), {
      requestInit: { headers },
    });
    const client = new Client({ name: 'editor', version: '1.0.0' });
    await client.connect(transport as Parameters<Client['connect']>[0]);
    toEnd.push({ [Symbol.asyncDispose]: () => client.close() });
    const call = async (key: string) => textOf(await client.callTool({ name: 'count', arguments: { key } }));
    return { transport, call };
  }

  it('are those of the setting, at the gateway, with nothing that is secret', async () => {
    await activate({
      a: { url: server.url, headers: { Authorization: 'Bearer theirs' } },
      b: { url: server.url },
    });
    const definitions = await provided();
    assert.deepEqual(
      definitions.map(({ label, headers, version }) => [label, headers, version]),
      [
        ['a-resilient', {}, undefined],
        ['b-resilient', {}, undefined],
      ],
    );
    for (const { uri } of definitions) assert.match(uri.toString(), /^http:\/\/127\.0\.0\.1:\d+\/[ab]\/mcp$/);
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
    const { label, headers } = await only();
    assert.equal(label, 'a-resilient');
    assert.ok(!JSON.stringify(headers).includes('entered'));
  });

  it('are called through a connection of the fleet, by whoever brings the headers of the start', async () => {
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
    const { uri } = await only();
    assert.equal((await fetch(uri.toString(), { method: 'POST', body: '{}' })).status, 401);
  });

  it('are the same to the editor whatever becomes of the server and of other servers', async () => {
    await activate({ a: { url: server.url } });
    const before = await only();
    await server.restart('404-json');
    editor.configure({ b: { url: server.url }, a: { url: server.url, headers: { 'X-Team': 'two' } } });
    const [, after] = await provided();
    assert.deepEqual({ ...after, uri: after?.uri.toString() }, { ...before, uri: before.uri.toString() });
    // What is handed out for a start is not what was offered: the editor compares the one and keeps it.
    assert.notEqual(await resolved(before), before);
    assert.deepEqual(before.headers, {});
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

  it('are not started any more once they are not configured', async () => {
    await activate({ a: { url: server.url }, b: { url: server.url } });
    const definition = await only();
    editor.configure({ b: { url: server.url } });
    await assert.rejects(resolved(definition), /"a-resilient" is not configured any more/);
  });

  it('may have names that no address can hold', async () => {
    const names = ['my server', 'a/b?c#d%2F', '..'];
    await activate(Object.fromEntries(names.map((name) => [name, { url: server.url }])));
    for (const definition of await provided()) {
      const { call } = await connect(definition);
      assert.equal(await call(definition.label), `ran ${definition.label}`);
    }
  });

  it('are where they were after the window was reloaded, for a start of their own', async () => {
    await activate({ a: { url: server.url } });
    const before = await resolved(await only());
    await connect(await only());
    await reload();
    const after = await resolved(await only());
    assert.equal(after.uri.toString(), before.uri.toString());
    assert.notDeepEqual(after.headers, before.headers);
    // The editor's client has ended with its extension host, and so has its session at the server.
    assert.equal(
      server.count({ rpc: 'initialize' }) - server.count({ method: 'DELETE' }),
      server.sessions.length,
    );
    const { call } = await connect(await only());
    assert.equal(await call('k'), 'ran k');
  });

  it('are offered also where the editor keeps no secrets, under a token for this time', async () => {
    keeping.noSecrets = 'the keyring is locked';
    await activate({ a: { url: server.url } });
    const { call } = await connect(await only());
    assert.equal(await call('k'), 'ran k');
    assert.ok(editor.logged.some((line) => /^gatewayNotKept .*keyring is locked/.test(line)));
  });

  it('say their token to no log', async () => {
    await activate({ a: { url: server.url } });
    const { Authorization = '' } = (await resolved(await only())).headers;
    await (await connect(await only())).call('k');
    const token = Authorization.replace('Bearer ', '');
    assert.ok(token.length > 40 && !editor.logged.join('\n').includes(token));
  });
});
