import assert from 'node:assert/strict';
import { freePort } from '../../harness/free-port.ts';
import type { Diagnosis } from '../../src/diagnosis/check.ts';
import { refusal } from '../support/scripted/reply.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { Running } from './running.ts';

describe('resilient-mcp doctor', () => {
  it('reports on a good server, with exit code 0', async () => {
    await using server = await ScriptedServer.start();
    const { code, out } = await doctor(server.url);
    assert.equal(code, 0, out);
    assert.match(out, /^# Diagnosis of http:/);
    assert.match(out, /\| Unknown session \| ok \| POST 404, GET 404, DELETE 404/);
  });

  it('reports on a server that clients do not recover from, with exit code 1', async () => {
    await using server = await ScriptedServer.start();
    server.forgetSessions('400-json');
    const { code, out } = await doctor(server.url);
    assert.equal(code, 1);
    assert.match(out, /## Problems\n\n### Unknown session/);
  });

  it('writes JSON for a program that reads it', async () => {
    const url = `http://127.0.0.1:${await freePort()}/mcp`;
    const { code, out } = await doctor(url, '--json');
    assert.equal(code, 1);
    const { format, server, checks }: Diagnosis = JSON.parse(out);
    assert.deepEqual([format, server.target], [1, url]);
    assert.deepEqual(checks.map(({ id }) => id).slice(0, 3), ['configuration', 'dns', 'tcp']);
    assert.equal(checks.find(({ id }) => id === 'tcp')?.verdict, 'problem');
  });

  it('writes nothing that a terminal obeys, whatever the server says (issue 14, §6)', async () => {
    await using server = await ScriptedServer.start();
    server.face.name = 'evil\u009b31m\u202e\u2028';
    server.answerAlways({ rpc: 'tools/list' }, refusal(400, -32000, 'no\u009b2J\u200f\u2029'));
    for (const options of [['--json'], []]) {
      const { out } = await doctor(server.url, ...options);
      if (options.length > 0) assert.match(out, /evil\\u009b31m\\u202e\\u2028/);
      assert.doesNotMatch(out, /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }
  });

  it('sends the headers that it is given, and writes none of their values', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways(
      ({ headers }) => headers.authorization !== 'Bearer hunter2-hunter2',
      refusal(401, -32000, 'no'),
    );
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is to be written like this
    const header = 'Authorization: Bearer ${env:DOCTORS_TOKEN}';
    const env = { ...process.env, DOCTORS_TOKEN: 'hunter2-hunter2' };
    await using program = new Running(['doctor', server.url, '--header', header], { env });
    assert.equal(await program.exitCode, 0, program.out.join('\n'));
    assert.doesNotMatch(program.out.join('\n'), /hunter2/);
  });

  it('looks at a program, and leaves its words to it', async () => {
    const { code, out } = await doctor('--', process.execPath, '-e', 'process.exit(3)', '--', '--help');
    assert.equal(code, 1);
    assert.match(out, /exit code 3/);
  });

  it('reports what it has seen when it is interrupted', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ rpc: 'tools/list' }, 'hang');
    await using program = new Running(['doctor', server.url]);
    await server.received({ rpc: 'tools/list' });
    program.signal('SIGINT');
    assert.equal(await program.exitCode, 1);
    assert.match(program.out.join('\n'), /\| Tools \| skipped \| It was cancelled\./);
    assert.deepEqual(server.sessions, []);
  });

  const misuses: Readonly<Record<string, readonly [args: readonly string[], says: RegExp]>> = {
    'no address': [[], /needs either the address/],
    'an address and a program': [['http://127.0.0.1:1/', '--', 'node'], /needs either the address/],
    'two addresses': [['http://127.0.0.1:1/', 'http://127.0.0.1:2/'], /Remove /],
    'an address that is none': [
      ['localhost:3000'],
      /not an http.* Did you mean http:\/\/localhost:3000\/mcp\?/,
    ],
    'a time that is none': [['http://127.0.0.1:1/', '--timeout', 'soon'], /number of seconds/],
    'no time at all': [['http://127.0.0.1:1/', '--timeout', '0'], /more than 0/],
    'an unknown option': [['http://127.0.0.1:1/', '--jsn'], /--json/],
  };
  for (const [what, [args, says]] of Object.entries(misuses)) {
    it(`refuses ${what} with exit code 2`, async () => {
      const { code, out, err } = await doctor(...args);
      assert.deepEqual([code, out], [2, '']);
      assert.match(err, says);
    });
  }
});

async function doctor(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  await using program = new Running(['doctor', ...args]);
  const code = await program.exitCode;
  return { code, out: program.out.join('\n'), err: program.err.join('\n') };
}
