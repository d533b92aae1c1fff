import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { ScriptedServer } from '../support/scripted-server.ts';
import { connect, gate } from './gated.ts';
import { Running } from './running.ts';
import { lineOf, project } from './serving.ts';

/** A program that speaks MCP over stdio, and says which process of it answers. */
const program = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
const say = (value) => ({ content: [{ type: 'text', text: String(value) }] });
const server = new McpServer({ name: 'program', version: '1.0.0' });
server.registerTool('pid', { annotations: { readOnlyHint: true } }, () => say(process.pid));
server.registerTool('where', {}, () => say(process.cwd() + ' ' + process.argv[2] + ' ' + process.env.OWN));
server.registerTool('variables', {}, () => say(JSON.stringify(process.env)));
await server.connect(new StdioServerTransport());
`;
const module = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
export function createServer() {
  const server = new McpServer({ name: 'module', version: '1.0.0' });
  const say = (value) => ({ content: [{ type: 'text', text: String(value) }] });
  server.registerTool('pid', {}, () => say(process.pid));
  server.registerTool('variables', {}, () => say(JSON.stringify(process.env)));
  return server;
}
`;

const written = (servers: object, key = 'mcpServers') => JSON.stringify({ [key]: servers });
const at = (url: string, name: string) => new URL(`/${name}/mcp`, url).href;

describe('resilient-mcp gateway --config', () => {
  it('serves each server of the file at a path of its own, whatever it is, with comments and placeholders', async () => {
    await using server = await ScriptedServer.start();
    const file = `{
      // As in VS Code.
      "servers": {
        "far": { "type": "http", "url": "\${env:FAR}", "headers": { "x-key": "\${env:KEY}" } },
        "near": { "command": "node", "args": ["program.mjs", "\${workspaceFolder}"], "env": { "OWN": "own" } },
        "own": { "module": "./module.mjs" },
        "off": { "url": "http://127.0.0.1:1/", "enabled": false }, // a comma too many
      },
    }`;
    using folder = project({ 'mcp.json': file, 'program.mjs': program, 'module.mjs': module });
    const env = { FAR: server.url, KEY: 'secret-key' };
    await using gateway = await gate(folder, { args: ['--config', folder.file('mcp.json')], env });
    await using far = await connect(at(gateway.url, 'far'));
    await using near = await connect(at(gateway.url, 'near'));
    await using own = await connect(at(gateway.url, 'own'));
    assert.equal(await far.call('count', { key: 'a' }), 'ran a');
    assert.equal(server.requests.at(-1)?.headers['x-key'], 'secret-key');
    assert.equal(await near.call('where'), `${folder.path} ${folder.path} own`);
    assert.match(await own.call('pid'), /^\d+$/);
    const said = gateway.output.join('\n');
    for (const name of ['far', 'near', 'own']) assert.ok(said.includes(`${name}: ${at(gateway.url, name)}`));
    assert.doesNotMatch(said, /secret-key|off:/);
  });

  it('gives programs and modules neither its token nor its key, and a short list of variables where that is chosen', async () => {
    const node = { command: 'node', args: ['program.mjs'] };
    const servers = {
      near: node,
      short: { ...node, inheritEnv: ['LISTED'] },
      own: { module: './module.mjs' },
    };
    using folder = project({ 'mcp.json': written(servers), 'program.mjs': program, 'module.mjs': module });
    const env = { RESILIENT_MCP_SESSION_KEY: 'k'.repeat(40), LISTED: 'yes', NPM_TOKEN: 'secret' };
    await using gateway = await gate(folder, { args: ['--config', folder.file('mcp.json')], env });
    const variables: Record<string, Record<string, string>> = {};
    for (const name of Object.keys(servers)) {
      await using client = await connect(at(gateway.url, name));
      variables[name] = JSON.parse(await client.call('variables'));
      const ours = Object.keys(variables[name] ?? {}).filter((each) => /^RESILIENT_MCP_/i.test(each));
      assert.deepEqual(ours, [], name);
    }
    const { near, short, own } = variables;
    assert.deepEqual([near?.NPM_TOKEN, own?.NPM_TOKEN, short?.NPM_TOKEN], ['secret', 'secret', undefined]);
    assert.deepEqual([short?.LISTED, short?.PATH], ['yes', near?.PATH]);
  });

  it('starts a killed program again; its clients keep their sessions', async () => {
    const servers = { near: { command: 'node', args: ['program.mjs'] } };
    using folder = project({ 'mcp.json': written(servers), 'program.mjs': program });
    await using gateway = await gate(folder, { args: ['--config', folder.file('mcp.json')] });
    await using client = await connect(at(gateway.url, 'near'));
    const { sessionId } = client.transport;
    const first = await client.call('pid');
    // A call that is written to a program before its end is known may have run, and is rightly not repeated.
    const noticed = lineOf(gateway, /near: session lost|near: the server does not answer/);
    process.kill(Number(first), 'SIGKILL');
    await noticed;
    const second = await client.call('pid');
    assert.match(second, /^\d+$/);
    assert.notEqual(second, first);
    assert.equal(client.transport.sessionId, sessionId);
  });

  it('says what is wrong with an entry, and serves the others', async () => {
    const servers = {
      good: { url: 'http://127.0.0.1:1/mcp' },
      asked: { url: 'http://127.0.0.1:1/mcp', headers: { a: `\${input:key}` } },
      unset: { url: `\${RMCP_NOT_SET}/mcp` },
      strange: { transport: 'pigeon' },
      wordy: { url: 'http://127.0.0.1:1/mcp', sandbox: true, replay: { default: 'always' } },
      '..': { url: 'http://127.0.0.1:1/mcp' },
    };
    using folder = project({ 'mcp.json': written(servers) });
    await using gateway = await gate(folder, { args: ['--config', folder.file('mcp.json')] });
    const said = gateway.output.join('\n');
    const words = [
      /mcpServers\["asked"\]\.headers\.a contains an \$\{input:…\} placeholder/,
      /mcpServers\["unset"\]\.url holds "\$\{env:RMCP_NOT_SET\}", and the environment has no variable/,
      /mcpServers\["strange"\] has the transport "pigeon"/,
      /mcpServers\["wordy"\] has keys without effect here: sandbox/,
      /mcpServers\["\.\."\] has a name that cannot be part of an address/,
    ];
    for (const each of words) assert.match(said, each);
    assert.deepEqual(
      ['good', 'wordy', 'asked', 'unset', '..'].map((name) => said.includes(`${name}: http`)),
      [true, true, false, false, false],
    );
  });

  it('serves what has changed in the file anew, and leaves the rest alone', async () => {
    await using stays = await ScriptedServer.start();
    await using before = await ScriptedServer.start();
    await using after = await ScriptedServer.start();
    using folder = project({
      'mcp.json': written({
        stays: { url: stays.url },
        moves: { url: before.url },
        goes: { url: before.url },
      }),
    });
    const path = folder.file('mcp.json');
    await using gateway = await gate(folder, { args: ['--config', path] });
    await using staying = await connect(at(gateway.url, 'stays'));
    await using moving = await connect(at(gateway.url, 'moves'));
    const { sessionId } = staying.transport;
    const broken = lineOf(gateway, /is no JSON: .*line 1.*The servers from before stay/);
    writeFileSync(path, '{ "mcpServers": ');
    await broken;
    assert.equal(await moving.call('count', { key: 'a' }), 'ran a');
    // As editors write: a new file in the place of the old one.
    const changed = lineOf(gateway, /changed\. Now serving: stays, moves, comes/);
    const next = { stays: { url: stays.url }, moves: { url: after.url }, comes: { url: after.url } };
    writeFileSync(folder.file('next.json'), written(next));
    renameSync(folder.file('next.json'), path);
    await changed;
    assert.equal(await staying.call('count', { key: 'b' }), 'ran b');
    assert.equal(staying.transport.sessionId, sessionId);
    assert.equal(stays.count({ rpc: 'initialize' }), 1);
    await using moved = await connect(at(gateway.url, 'moves'));
    assert.equal(await moved.call('count', { key: 'c' }), 'ran c');
    assert.equal(after.runs('c'), 1);
    assert.equal(before.sessions.length, 0);
    await using come = await connect(at(gateway.url, 'comes'));
    assert.equal(await come.call('count', { key: 'd' }), 'ran d');
    await assert.rejects(connect(at(gateway.url, 'goes')), /404|no server at this path/);
    assert.equal(readFileSync(path, 'utf8'), written(next));
  });

  const unusable: Readonly<Record<string, readonly [text: string, says: RegExp]>> = {
    'is no JSON': ['{ "servers": ', /is no JSON: .*line 1, column/],
    'is empty': ['', /has neither "servers" nor "mcpServers"/],
    'holds no object of servers': ['{ "servers": [] }', /has neither "servers" nor "mcpServers"/],
    'names no server': ['{ "mcpServers": {} }', /has no server that can be served/],
    'names none that is usable': ['{ "mcpServers": { "a": {} } }', /has no server that can be served/],
  };
  for (const [what, [text, says]] of Object.entries(unusable)) {
    it(`ends with exit code 1 and the reason when the file ${what}`, async () => {
      using folder = project({ 'mcp.json': text });
      await using gateway = new Running(['gateway', '--config', folder.file('mcp.json'), '--port', '0']);
      assert.equal(await gateway.exitCode, 1);
      assert.match(gateway.err.join('\n'), says);
      assert.doesNotMatch(gateway.err.join('\n'), /^\s+at /m);
    });
  }
});
