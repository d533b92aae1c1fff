import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { exportRecording } from '../../../src/diagnosis/recording/export.ts';
import type { HubFact } from '../../../src/hub/facts.ts';
import { Running } from '../../cli/running.ts';
import { connected } from '../../support/connected.ts';
import { scratchFolder } from '../../support/scratch.ts';

/** A session of one answered call that is lost at the next. */
const facts: readonly HubFact['fact'][] = [
  {
    kind: 'sessionOpened',
    generation: 1,
    session: '12345678…',
    protocolVersion: '2025-11-25',
    server: 'github 3.1.4',
    durationMs: 1,
  },
  { kind: 'requestAnswered', generation: 1, method: 'tools/call', tool: 'search', durationMs: 1 },
  {
    kind: 'exchangeFailed',
    generation: 1,
    method: 'tools/call',
    tool: 'search',
    resuming: false,
    outcome: 'lost',
    status: 400,
    reason: '400: Bad Request: No valid session ID provided',
    resumable: false,
    durationMs: 1,
  },
  { kind: 'sessionLost', generation: 1, evidence: '400: Bad Request: No valid session ID provided' },
];

function recordingOf(...servers: string[]): string {
  const all = servers.flatMap((server) => facts.map((fact, at) => ({ server, at, fact })));
  const headers = servers.map((name) => ({ name, type: 'http', target: 'http://127.0.0.1/mcp' }));
  return exportRecording(all, headers, { product: 'test', now: 0 });
}

const script = join(import.meta.dirname, '../../../scripts/replay/main.ts');

describe('npm run replay', () => {
  it('serves a recording as a server that loses its session again, until it is told to end', async () => {
    using folder = scratchFolder();
    writeFileSync(folder.file('a.jsonl'), recordingOf('github'));
    await using program = new Running([folder.file('a.jsonl')], { script });
    const url = await program.line(/^http/);
    await using scenario = await connected(url);
    assert.deepEqual(scenario.client.getServerVersion(), { name: 'github', version: '3.1.4' });
    assert.equal(await scenario.call('search', 'a'), 'Replay of search');
    assert.equal(scenario.facts('sessionLost').length, 0);
    assert.equal(await scenario.call('search', 'b'), 'Replay of search');
    const [lost] = scenario.facts('sessionLost');
    assert.match(
      lost?.kind === 'sessionLost' ? lost.evidence : '',
      /^400: Bad Request: No valid session ID provided/,
    );
    await program.line(/tools\/call search refused: 400, the session is lost/, 'err');
    await scenario.client.close();
    program.signal('SIGTERM');
    assert.equal(await program.exitCode, 0);
  });

  it('plays the server that is named', async () => {
    using folder = scratchFolder();
    writeFileSync(folder.file('a.jsonl'), recordingOf('github', 'jira'));
    await using program = new Running([folder.file('a.jsonl'), '--server', 'jira', '--speed', '2.5'], {
      script,
    });
    await program.line(/replay: jira, 1 sessions, 4 facts/, 'err');
  });

  it('says that the port is taken', async () => {
    using folder = scratchFolder();
    writeFileSync(folder.file('a.jsonl'), recordingOf('github'));
    await using taken = createServer();
    await once(taken.listen(0, '127.0.0.1'), 'listening');
    const port = String((taken.address() as AddressInfo).port);
    const { code, err } = await replay(folder.file('a.jsonl'), '--port', port);
    assert.deepEqual([code, new RegExp(`port ${port}`).test(err)], [1, true]);
  });

  it('says which line is no part of a recording, with exit code 1', async () => {
    using folder = scratchFolder();
    writeFileSync(folder.file('a.jsonl'), `${recordingOf('github')}oops\n`);
    const { code, err } = await replay(folder.file('a.jsonl'));
    assert.deepEqual([code, /Line 6 is not JSON/.test(err)], [1, true], err);
    assert.equal((await replay(folder.file('none.jsonl'))).code, 1);
  });

  const misuses: Readonly<Record<string, readonly [args: readonly string[], says: RegExp]>> = {
    'no file': [[], /needs the path/],
    'two files': [['a', 'b'], /Remove /],
    'a port that is none': [['a', '--port', '70000'], /0 to 65535/],
    'no speed at all': [['a', '--speed', '0'], /more than 0/],
    'a pace that is none': [['a', '--pace', 'slow'], /calls or time/],
    'no choice between two servers': [['recording'], /--server must name one of "github", "jira"/],
    'a server that is not in it': [['recording', '--server', 'gitlab'], /must name one of .*, not gitlab/],
    'a client that is not in it': [
      ['recording', '--server', 'jira', '--client', '7'],
      /--client must be one of none/,
    ],
  };
  for (const [what, [args, says]] of Object.entries(misuses)) {
    it(`refuses ${what} with exit code 2`, async () => {
      using folder = scratchFolder();
      writeFileSync(folder.file('recording'), recordingOf('github', 'jira'));
      const { code, err } = await replay(
        ...args.map((arg) => (arg === 'recording' ? folder.file(arg) : arg)),
      );
      assert.equal(code, 2, err);
      assert.match(err, says);
    });
  }
});

async function replay(...args: string[]): Promise<{ code: number | null; err: string }> {
  await using program = new Running(args, { script });
  const code = await program.exitCode;
  return { code, err: program.err.join('\n') };
}
