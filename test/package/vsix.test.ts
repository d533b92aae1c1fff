import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { strFromU8, unzipSync } from 'fflate';
import { budgets } from '../../scripts/budgets.ts';
import { Gateway } from '../../src/hub/gateway/index.ts';
import { WindowPlace } from '../../src/hub/gateway/window-place.ts';
import { transportOpener } from '../../src/hub/open/open-transport.ts';
import { readSourceFile } from '../architecture/source-file.ts';
import { project, serverModule, versionModule } from '../cli/serving.ts';
import { connectedBy } from '../support/connected.ts';
import { scratchFolder } from '../support/scratch.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { textOf } from '../support/sdk-client.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const ours = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** All of it. A new file in the .vsix is a new line here. */
const contents = [
  '[Content_Types].xml',
  'extension.vsixmanifest',
  'extension/LICENSE.txt',
  'extension/changelog.md',
  'extension/dist/attach.js',
  'extension/dist/cli/main.mjs',
  'extension/dist/cli/worker.mjs',
  'extension/dist/configuration.js',
  'extension/dist/diagnosis.js',
  'extension/dist/extension.js',
  'extension/dist/gateway.js',
  'extension/dist/session-actions.js',
  'extension/dist/third-party-notices.txt',
  'extension/dist/timeline.js',
  'extension/dist/webview/timeline.css',
  'extension/dist/webview/timeline.js',
  'extension/dist/window.js',
  'extension/l10n/bundle.l10n.de.json',
  'extension/l10n/bundle.l10n.json',
  'extension/media/icon.png',
  'extension/media/timeline-dark.svg',
  'extension/media/timeline-light.svg',
  'extension/media/walkthrough/diagnose.svg',
  'extension/media/walkthrough/heal.svg',
  'extension/media/walkthrough/protect.svg',
  'extension/media/walkthrough/watch.svg',
  'extension/package.json',
  'extension/package.nls.de.json',
  'extension/package.nls.json',
  'extension/readme.md',
];

describe('the .vsix', () => {
  const folder = scratchFolder();
  const file = folder.file('packed.vsix');
  let files: Record<string, Uint8Array> = {};

  before(async () => {
    await pack(file);
    files = unzipSync(readFileSync(file));
  });
  after(() => folder[Symbol.dispose]());

  const read = (name: string) => strFromU8(files[name] ?? assert.fail(`${name} is not in the .vsix`));
  const manifest = () => JSON.parse(read('extension/package.json'));

  it('holds these files and no others', () => {
    assert.deepEqual(Object.keys(files).sort(), contents);
  });

  it('stays within its size budgets', () => {
    const { length } = readFileSync(file);
    assert.ok(length <= budgets.vsix, `the .vsix has ${length} bytes`);
    const bundle = files['extension/dist/extension.js']?.length ?? 0;
    assert.ok(bundle <= budgets.extension, `extension.js has ${bundle} bytes`);
    const start = bundle + (files['extension/dist/window.js']?.length ?? 0);
    assert.ok(start <= budgets.start, `extension.js and window.js have ${start} bytes`);
  });

  it('says what it is, in both of its manifests', () => {
    assert.equal(`${manifest().publisher}.${manifest().name}`, 'resilient-mcp.resilient-mcp');
    assert.equal(manifest().version, ours.version);
    assert.match(
      read('extension.vsixmanifest'),
      new RegExp(`<Identity [^>]*Id="resilient-mcp" Version="${ours.version}" Publisher="resilient-mcp"`),
    );
  });

  it('runs in every editor since 1.101, on the side where the servers are', () => {
    assert.equal(manifest().engines.vscode, '^1.101.0');
    assert.deepEqual(manifest().extensionKind, ['workspace']);
    assert.equal(manifest().main, './dist/extension.js');
    assert.notEqual(manifest().type, 'module');
  });

  it('starts after the editor has, never with it', () => {
    const events: string[] = manifest().activationEvents;
    assert.ok(events.includes('onStartupFinished'));
    assert.ok(!events.includes('*'));
  });

  it('contributes the reset command and the setting of servers', () => {
    const commands: { command: string }[] = manifest().contributes.commands;
    assert.ok(commands.some(({ command }) => command === 'resilientMcp.resetSession'));
    const categories: { properties: object }[] = manifest().contributes.configuration;
    assert.ok(categories.some(({ properties }) => 'resilientMcp.servers' in properties));
  });

  it('carries nothing that only npm or this repository needs', () => {
    for (const key of ['scripts', 'exports', 'files', 'dependencies', 'devDependencies', 'allowScripts']) {
      assert.ok(!(key in manifest()), key);
    }
  });

  it('holds no source, no source map, and no path of the machine that built it', () => {
    for (const name of contents.filter((each) => /\.m?js$/.test(each))) {
      assert.doesNotMatch(read(name), /sourceMappingURL|sourcesContent/, name);
      for (const path of [root, `${homedir()}/`, `${tmpdir()}/`]) {
        assert.ok(!read(name).includes(path), `"${path}" is in ${name}`);
      }
    }
    const bundle = read('extension/dist/window.js');
    const { length } = bundle.split('\n');
    assert.ok(length < 500, `${length} lines: the bundle is not minified`);
  });

  it('tells nobody of anybody: no telemetry, and no address but of this machine and of specifications', () => {
    // `.example` is nobody's (RFC 2606): it stands in the examples of the help.
    const known =
      /^(localhost|module\.invalid|[a-z-]+\.example|modelcontextprotocol\.io|(www\.)?(json-schema|w3)\.org)$/;
    // The name by which a JSON schema of ajv's refers to itself.
    const names = ['raw.githubusercontent.com'];
    for (const name of contents.filter((each) => /\.m?js$/.test(each))) {
      assert.doesNotMatch(read(name), /createTelemetryLogger|isTelemetryEnabled/, name);
      const hosts = [...read(name).matchAll(/\bhttps?:\/\/([a-z0-9.-]*[a-z])/gi)].map(
        ([, host]) => host ?? '',
      );
      const foreign = hosts.filter((host) => !known.test(host) && !names.includes(host));
      assert.deepEqual(foreign, [], name);
    }
  });

  it('shows no picture and offers no link that its page in the editor could not follow', () => {
    for (const name of ['extension/readme.md', 'extension/changelog.md']) {
      const targets = [...read(name).matchAll(/\]\(([^)]*)\)|src="([^"]*)"/g)].map(
        ([, a, b]) => a ?? b ?? '',
      );
      assert.deepEqual(
        targets.filter((target) => !/^(https:|#)/.test(target)),
        [],
        name,
      );
    }
  });

  it('requires nothing but the editor, the modules of Node.js and what lies beside it', () => {
    const isBeside = (name: string) => `extension/dist/${name.replace(/^\.\//, '')}` in files;
    for (const script of [
      'attach.js',
      'configuration.js',
      'diagnosis.js',
      'extension.js',
      'gateway.js',
      'session-actions.js',
      'timeline.js',
      'window.js',
    ]) {
      const { imports } = readSourceFile(script, read(`extension/dist/${script}`));
      const foreign = imports
        .map(({ specifier }) => specifier)
        .filter((name) => name !== 'vscode' && !isBuiltin(name) && !isBeside(name));
      assert.deepEqual(foreign, []);
    }
  });

  it('loads where there is nothing beside it, and exports activate and deactivate', async () => {
    for (const [name, bytes] of Object.entries(files)) {
      mkdirSync(dirname(folder.file(name)), { recursive: true });
      writeFileSync(folder.file(name), bytes);
    }
    mkdirSync(folder.file('extension/node_modules/vscode'), { recursive: true });
    writeFileSync(folder.file('extension/node_modules/vscode/index.js'), editorStandIn);
    const script =
      'require("./dist/window.js"); ' +
      'const e = require("./dist/extension.js"); console.log(typeof e.activate, typeof e.deactivate)';
    const { stdout } = await run(process.execPath, ['-e', script], { cwd: folder.file('extension') });
    assert.equal(stdout.trim(), 'function function');
  });

  it('serves a local module by the command line that it carries', async () => {
    using module = project({ 'server.ts': serverModule, 'version.ts': versionModule('one') });
    const serve = { command: process.execPath, args: [folder.file('extension/dist/cli/main.mjs')] };
    const env = { ...process.env, RESILIENT_MCP_SESSION_KEY: 'k'.repeat(40) };
    const open = transportOpener({ processes: { cwd: module.path, env, serve } });
    const replay = { default: 'hints', tools: {} } as const;
    const entry = { type: 'module', name: 'a', module: 'server.ts', env: {}, shared: false, replay } as const;
    await using scenario = await connectedBy(open(entry, { connectPatienceMs: 30_000 }));
    assert.equal(textOf(await scenario.client.callTool({ name: 'version', arguments: {} })), 'one');
  });

  it('leads an agent to the gateway of a window by a program that loads neither fetch nor TLS', async () => {
    await using server = await ScriptedServer.start();
    const proofKey = 'what the window and attach have, and nobody else';
    const tokens = { attachToken: 'attached', passingToken: 'passing', proofKey };
    const gateway = new Gateway({ upstreams: { one: { url: server.url } }, ...tokens });
    const stem = folder.file('storage/windows/w1');
    const at = {
      pid: 1,
      port: await gateway.start(),
      proofKey,
      token: 'attached',
      passingToken: 'passing',
      workspace: 'w',
    };
    await new WindowPlace(stem).tell(at);
    writeFileSync(folder.file('at-end.cjs'), tellsModules);
    const program = ['-r', folder.file('at-end.cjs'), folder.file('extension/dist/attach.js'), stem, 'one'];
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: program,
      env: { ...(process.env as Record<string, string>), LOADED: folder.file('loaded.txt') },
      stderr: 'ignore',
    });
    const client = new Client({ name: 'agent', version: '1.0.0' });
    await client.connect(transport as Parameters<Client['connect']>[0]);
    assert.equal(textOf(await client.callTool({ name: 'count', arguments: { key: 'a' } })), 'ran a');
    await client.close();
    await gateway.close();
    const loaded = readFileSync(folder.file('loaded.txt'), 'utf8').split('\n');
    assert.ok(loaded.includes('NativeModule http'));
    assert.deepEqual(
      loaded.filter((name) => /undici|NativeModule (tls|https)$/.test(name)),
      [],
    );
  });

  it('carries the licence of every package whose code it holds', () => {
    const notices = read('extension/dist/third-party-notices.txt');
    for (const name of ['@modelcontextprotocol/sdk', 'eventsource-parser', 'zod']) {
      assert.ok(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(MIT\\)$`, 'm').test(notices), name);
    }
  });

  it('is the same, byte for byte, when it is packed again', async () => {
    await pack(folder.file('again.vsix'), { TZ: 'Asia/Kathmandu' });
    assert.ok(readFileSync(file).equals(readFileSync(folder.file('again.vsix'))));
  });
});

/** A program that writes what it has loaded when it ends. */
const tellsModules = `
process.on('exit', () => require('fs').writeFileSync(process.env.LOADED, process.moduleLoadList.join('\\n')));
`;

/** Every property of it is again such an object, may be called and may be extended. */
const editorStandIn = `
const make = () => new Proxy(class {}, { get: (target, key) => target[key] ?? make(), apply: () => make() });
module.exports = make();
`;

async function pack(file: string, environment: Record<string, string> = {}): Promise<void> {
  await run(process.execPath, ['scripts/package.ts', '--out', file], {
    cwd: root,
    env: { ...process.env, ...environment },
  });
}
