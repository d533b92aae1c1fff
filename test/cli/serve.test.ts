import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { clients } from '../server/scenarios/clients.ts';
import {
  connect,
  lineOf,
  project,
  release,
  type ServedClient,
  serve,
  serverModule,
  versionModule,
  workerOf,
} from './serving.ts';

const v2 = clients['SDK v2'] ?? assert.fail('no client of version 2');
const files = { 'server.ts': serverModule, 'version.ts': versionModule('v0') };

/** Calls without a pause until it is told to stop, one call at a time; keeps why calls failed. */
function keepCalling({ call }: ServedClient) {
  const failures: string[] = [];
  let calls = 0;
  let stopped = false;
  const ended = (async () => {
    while (!stopped) {
      calls += 1;
      await call('pid').catch((error: Error) => failures.push(error.message));
    }
  })();
  return {
    failures,
    async stop() {
      stopped = true;
      await ended;
      return calls;
    },
  };
}

describe('resilient-mcp serve --watch', () => {
  it('serves an unmodified client over five file changes and three crashes, in one session', async () => {
    using folder = project(files);
    await using server = await serve(folder, { args: ['--watch'] });
    await using client = await connect(server.url);
    await using steady = await connect(server.url);
    const { sessionId } = client.transport;
    const calling = keepCalling(steady);

    for (let change = 1; change <= 5; change += 1) {
      const told = client.toolsChanged();
      writeFileSync(folder.file('version.ts'), versionModule(`v${change}`));
      await told;
      assert.equal(await client.call('version'), `v${change}`);
      const { tools } = await client.client.listTools();
      assert.ok(tools.some(({ name }) => name === `only-in-v${change}`));
      if (change > 3) continue;
      const before = workerOf(server);
      const back = lineOf(server, /serving \(pid/);
      if (change === 2) await assert.rejects(client.call('exit'), /process ended|502/);
      else process.kill(before, 'SIGKILL');
      await back;
      assert.notEqual(Number(await client.call('pid')), before);
      assert.equal(await client.call('version'), `v${change}`);
    }

    assert.ok((await calling.stop()) > 20);
    // One call at a time: at each crash one can have been under way, and only such a one may have failed.
    assert.ok(calling.failures.length <= 3, calling.failures.join('\n'));
    for (const failure of calling.failures) assert.match(failure, /process ended before it answered/);
    assert.equal(client.transport.sessionId, sessionId);
  });

  it('serves the client of the SDK in version 2 over three kills, in one session', async () => {
    using folder = project(files);
    await using server = await serve(folder);
    await using client = await v2(server.url);
    const { sessionId } = client;
    for (let kill = 1; kill <= 3; kill += 1) {
      const before = Number(await client.call('pid'));
      const gone = lineOf(server, /server process ended/);
      process.kill(before, 'SIGKILL');
      await gone;
      // Nothing serves at this moment: the call waits for the next process.
      assert.notEqual(await client.call('pid'), before);
    }
    assert.equal(client.sessionId, sessionId);
  });

  it('keeps the last good process after a syntax error and after a throw, and says where they are', async () => {
    using folder = project(files);
    await using server = await serve(folder, { args: ['--watch'] });
    await using client = await connect(server.url);
    const pid = await client.call('pid');
    const broken: readonly (readonly [text: string, line: RegExp])[] = [
      ["export const a = 1;\nexport const version = 'v1;\n", /version\.ts:2: SyntaxError/],
      [
        '\n\nthrow new RangeError("not today");\nexport const version = 1;\n',
        /version\.ts:3: RangeError: not today/,
      ],
      ['export const other = 1;\n', /server\.ts:4: SyntaxError: .*version/],
    ];
    for (const [text, line] of broken) {
      const [said, kept] = [lineOf(server, line), lineOf(server, /last good process goes on serving/)];
      writeFileSync(folder.file('version.ts'), text);
      await Promise.all([said, kept]);
      assert.equal(await client.call('pid'), pid);
    }
    const repaired = lineOf(server, /a new process serves/);
    writeFileSync(folder.file('version.ts'), versionModule('repaired'));
    await repaired;
    assert.equal(await client.call('version'), 'repaired');
  });

  it('keeps the last good process when the factory throws', async () => {
    using folder = project(files);
    await using server = await serve(folder, { args: ['--watch'] });
    await using client = await connect(server.url);
    // The SDK refuses a second tool of one name.
    const said = lineOf(server, /server\.ts:\d+: Error: .*version.* already registered/);
    writeFileSync(folder.file('version.ts'), "export const version = 'x'; \n");
    await lineOf(server, /a new process serves/);
    const twice = serverModule.replace("registerTool('pid'", "registerTool('version'");
    writeFileSync(folder.file('server.ts'), twice);
    await said;
    assert.equal(await client.call('version'), 'x');
  });

  it('lets a call of the old process end, and answers it', async () => {
    using folder = project(files);
    await using server = await serve(folder, { args: ['--watch'] });
    await using client = await connect(server.url);
    const holding = lineOf(server, /^holding$/);
    const held = client.call('hold');
    await holding;
    const served = lineOf(server, /a new process serves/);
    writeFileSync(folder.file('version.ts'), versionModule('v1'));
    await served;
    assert.equal(await client.call('version'), 'v1');
    release(folder);
    assert.equal(await held, 'v0');
  });

  it('brings the answer to a question of the old process there, after the new one has taken over', async () => {
    using folder = project(files);
    await using server = await serve(folder, { args: ['--watch'] });
    await using client = await connect(server.url);
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<string>();
    client.client.setRequestHandler(ElicitRequestSchema, async () => {
      asked.resolve();
      return { action: 'accept', content: { answer: await answer.promise } };
    });
    const call = client.call('ask');
    await asked.promise;
    const served = lineOf(server, /a new process serves/);
    writeFileSync(folder.file('version.ts'), versionModule('v1'));
    await served;
    answer.resolve('the blue one');
    assert.equal(await call, 'the blue one');
  });

  it('keeps a GET stream open over a change and over a kill, and tells on it what differs', async () => {
    using folder = project(files);
    await using server = await serve(folder, { args: ['--watch'] });
    const gone = new AbortController();
    const headers = { accept: 'text/event-stream', 'mcp-session-id': await openSession(server.url) };
    const response = await fetch(server.url, { headers, signal: gone.signal });
    assert.equal(response.status, 200);
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader() ?? assert.fail();
    for (const version of ['v1', 'v2']) {
      writeFileSync(folder.file('version.ts'), versionModule(version));
      const { value, done } = await reader.read();
      assert.deepEqual([done, /tools\/list_changed/.test(value ?? '')], [false, true]);
      if (version === 'v2') continue;
      const back = lineOf(server, /serving \(pid/);
      process.kill(workerOf(server), 'SIGKILL');
      await back;
    }
    gone.abort();
  });

  it('keeps an ended session ended in the next process', async () => {
    using folder = project(files);
    await using server = await serve(folder, { args: ['--watch'] });
    await using client = await connect(server.url);
    const headers = { 'mcp-session-id': client.transport.sessionId ?? '' };
    await client.transport.terminateSession();
    const served = lineOf(server, /a new process serves/);
    writeFileSync(folder.file('version.ts'), versionModule('v1'));
    await served;
    const response = await post(server.url, { jsonrpc: '2.0', id: 1, method: 'ping' }, headers);
    assert.equal(response.status, 404);
  });

  it('waits for a change when the module is broken from the start', async () => {
    using folder = project({ ...files, 'version.ts': 'export const version =' });
    await using server = await serve(folder, {
      args: ['--watch'],
      listening: /waiting for a file to change/,
    });
    const refused = await fetch(server.url, { method: 'POST', body: '{}' });
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1']);
    const serving = lineOf(server, /serving \(pid/);
    writeFileSync(folder.file('version.ts'), versionModule('whole'));
    await serving;
    await using client = await connect(server.url);
    assert.equal(await client.call('version'), 'whole');
  });
});

/** A session without the SDK's client, which opens a GET stream of its own. */
async function openSession(url: string): Promise<string> {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'raw', version: '1.0.0' },
  };
  const response = await post(url, { jsonrpc: '2.0', id: 1, method: 'initialize', params });
  await response.text();
  return response.headers.get('mcp-session-id') ?? assert.fail('no session id');
}

function post(url: string, message: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const usual = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };
  return fetch(url, { method: 'POST', headers: { ...usual, ...headers }, body: JSON.stringify(message) });
}
