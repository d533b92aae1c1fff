import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { until } from '../../../harness/until.ts';
import { oneStory } from '../../support/one-story.ts';
import { configure, echo, extension, serverReady } from './extension.ts';
import { stage } from './stage.ts';
import { look } from './window.ts';

const SERVER = 'notes';
const SECRET = 'tell-nobody-0123456789';
/** How long a file or a setting may take to be written, in ms. */
const WRITE_LIMIT_MS = 60_000;

// One story: each test begins where the one before has ended.
describe('Servers of other configuration files', () => {
  oneStory();
  let original: string;
  let file: vscode.Uri;

  before(async () => {
    const { url } = await stage('startServer', { name: SERVER });
    const [folder = assert.fail('no folder is open')] = vscode.workspace.workspaceFolders ?? [];
    file = vscode.Uri.joinPath(folder.uri, '.vscode/mcp.json');
    original = `{
  // The team's servers.
  "servers": {
    "${SERVER}": {
      "type": "http",
      "url": "${url}", // on this machine
      "headers": { "Authorization": "Bearer ${SECRET}" },
    },
    "absent": { "url": "${await stage('deadUrl', null)}" },
  },
}
`;
    await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(original));
    await extension().activate();
  });

  after(async () => {
    await configure(undefined);
    await vscode.workspace.getConfiguration('resilientMcp').update('inputs', undefined, false);
    await vscode.workspace.fs.delete(file);
  });

  it('offers the new commands', async () => {
    const all = await vscode.commands.getCommands(true);
    const own = all.filter((command) => command.startsWith('resilientMcp.'));
    for (const command of ['protectServer', 'copyGatewayConfiguration', 'renewGatewayToken', 'enterInput']) {
      assert.ok(own.includes(`resilientMcp.${command}`), command);
    }
  });

  it('are listed by "MCP: Protect a Server…", and the chosen one is connected, its secret put apart', async () => {
    await protect(SERVER, 'protect-pick');
    await look('the setting', async () => {
      await serverReady(SERVER, 1);
      assert.equal(await echo(SERVER, 'protected'), 'Echo: protected');
      const { url } = JSON.parse(JSON.stringify(setting('servers')))[SERVER];
      assert.deepEqual(setting('servers'), {
        [SERVER]: {
          type: 'http',
          url,
          headers: { Authorization: `Bearer \${input:${SERVER}-authorization}` },
        },
      });
      assert.deepEqual(setting('inputs'), [
        { id: `${SERVER}-authorization`, description: `Authorization (${SERVER})`, password: true },
      ]);
      const written = await vscode.workspace.fs.readFile(vscode.Uri.joinPath(file, '../settings.json'));
      assert.ok(!new TextDecoder().decode(written).includes(SECRET));
      assert.equal(await textOnDisk(file), original);
    });
  });

  it('are switched off in their file when that is wanted, and everything else in it stays', async () => {
    await look('the original', async (window) => {
      const told = await window('notification', { text: 'The original is still enabled' });
      assert.match(told, /Its secret is now in the editor’s secret storage/);
      await window('picture', { name: 'protected' });
      const saved = untilSaved(file);
      await window('clickInNotification', {
        text: 'The original is still enabled',
        button: 'Disable Original',
      });
      await saved;
      const text = await textOnDisk(file);
      assert.match(
        text,
        /^ {4}\/\/ Connected by Resilient MCP, as "notes" in the setting resilientMcp\.servers\.$/m,
      );
      assert.match(text, /^ {4}\/\/ "notes": \{$/m);
      assert.deepEqual(
        text.split('\n').filter((line) => !/^ {4}\/\/ /.test(line)),
        original.split('\n').filter((_, index) => index < 3 || index > 7),
      );
      await window('notification', {
        text: 'turned off the original of .*The file still contains the secrets',
      });
      await window('picture', { name: 'original-disabled' });
    });
  });

  it('are switched on again by Undo, byte for byte', async () => {
    await look('the original', async (window) => {
      const saved = untilSaved(file);
      await window('clickInNotification', { text: 'turned off the original of', button: 'Undo' });
      await saved;
      assert.equal(await textOnDisk(file), original);
    });
  });

  it('are taken out of the settings again by Undo, with what was entered for them', async () => {
    await protect(SERVER, 'protect-again');
    await look('the setting', async (window) => {
      await serverReady(`${SERVER}-2`, 1);
      const changed = untilSetting(() => !Object.hasOwn(Object(setting('servers')), `${SERVER}-2`));
      await window('clickInNotification', { text: `${SERVER}-2 is now protected`, button: 'Undo' });
      await changed;
      assert.deepEqual(Object.keys(Object(setting('servers'))), [SERVER]);
      await untilSetting(() => JSON.stringify(setting('inputs')).length < 150);
      assert.equal((setting('inputs') as unknown[]).length, 1);
      await serverReady(SERVER, 1);
    });
  });

  it('are met at the gateway by another client, with what "MCP: Copy Gateway Configuration…" puts on the clipboard', async () => {
    await look('the clipboard', async (window) => {
      await window('searchPalette', { text: 'MCP: Copy Gateway Configuration' });
      await window('press', { key: 'Enter' });
      await window('pickerRows', { matching: 'Cursor' });
      await window('picture', { name: 'copy-pick' });
      await window('type', { text: 'Cursor' });
      await window('press', { key: 'Enter' });
      const told = await window('notification', { text: 'copied .* for Cursor' });
      assert.match(told, /\.cursor\/mcp\.json of a project is often shared/);
      await window('picture', { name: 'copied' });
      const { mcpServers } = JSON.parse(await vscode.env.clipboard.readText());
      assert.deepEqual(Object.keys(mcpServers), [SERVER]);
      const { url, headers } = mcpServers[SERVER];
      assert.equal((await initialize(url, headers)).status, 200);
      assert.equal((await initialize(url, {})).status, 401);
      await window('dismissNotifications', null);
    });
  });

  it('are not listed when they lead to the gateway', async () => {
    await look('the pick', async (window) => {
      const { mcpServers } = JSON.parse(await vscode.env.clipboard.readText());
      const { url, headers } = mcpServers[SERVER];
      const text = JSON.stringify({
        servers: { own: { url, headers }, other: { url: 'http://localhost:9/mcp' } },
      });
      await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(text));
      await window('searchPalette', { text: 'MCP: Protect a Server' });
      await window('press', { key: 'Enter' });
      const rows = await window('pickerRows', { matching: 'other' });
      assert.ok(!rows.some((row) => /\bown\b/.test(row)), rows.join('\n'));
      await window('press', { key: 'Escape' });
      await window('pickerClosed', null);
    });
  });

  it('of Claude Code are refused in a file that is made for that, and taken away by Undo', async () => {
    const [claude, settings] = ['../../.mcp.json', '../../.claude/settings.local.json'].map((path) =>
      vscode.Uri.joinPath(file, path),
    );
    assert.ok(claude && settings);
    const text = JSON.stringify({
      mcpServers: { remote: { type: 'http', url: await stage('deadUrl', null) } },
    });
    await vscode.workspace.fs.writeFile(claude, new TextEncoder().encode(text));
    await protect('remote', 'protect-claude');
    await look('the file', async (window) => {
      await window('clickInNotification', { text: 'remote is now protected', button: 'Disable Original' });
      await window('notification', { text: 'turned off the original of remote .*settings\\.local\\.json' });
      assert.deepEqual(JSON.parse(await textOnDisk(settings)), { disabledMcpjsonServers: ['remote'] });
      assert.equal(await textOnDisk(claude), text);
      const gone = until<vscode.FileDeleteEvent>(
        (listener) => vscode.workspace.onDidDeleteFiles(listener),
        ({ files }) => files.some((each) => each.toString() === settings.toString()),
        { timeoutMs: WRITE_LIMIT_MS, what: 'the file deleted' },
      );
      await window('clickInNotification', { text: 'turned off the original of remote', button: 'Undo' });
      await gone;
    });
    await vscode.workspace.fs.delete(claude);
  });

  /** Chooses one server in the pick of the command, as a person would. */
  async function protect(name: string, picture: string): Promise<void> {
    await look('the pick of servers', async (window) => {
      await window('searchPalette', { text: 'MCP: Protect a Server' });
      await window('press', { key: 'Enter' });
      await window('pickerRows', { matching: name });
      await window('checkPickerRow', { text: name });
      await window('picture', { name: picture });
      await window('press', { key: 'Enter' });
      await window('pickerClosed', null);
    });
  }
});

function setting(key: 'servers' | 'inputs'): unknown {
  return vscode.workspace.getConfiguration('resilientMcp').inspect(key)?.workspaceValue;
}

async function textOnDisk(uri: vscode.Uri): Promise<string> {
  return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
}

function untilSaved(uri: vscode.Uri): Promise<vscode.TextDocument> {
  return until<vscode.TextDocument>(
    (listener) => vscode.workspace.onDidSaveTextDocument(listener),
    (document) => document.uri.toString() === uri.toString(),
    { timeoutMs: WRITE_LIMIT_MS, what: `${uri.path} saved` },
  );
}

async function untilSetting(holds: () => boolean): Promise<void> {
  if (holds()) return;
  await until<vscode.ConfigurationChangeEvent>(
    (listener) => vscode.workspace.onDidChangeConfiguration(listener),
    holds,
    { timeoutMs: WRITE_LIMIT_MS, what: 'the setting changed' },
  );
}

function initialize(url: string, headers: Record<string, string>): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      ...headers,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
    }),
  });
}
