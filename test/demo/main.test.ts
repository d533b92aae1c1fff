import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { readLedger } from '../../harness/ledger.ts';
import { scriptPath } from '../../harness/supervised-server.ts';

interface Outcome {
  readonly code: number | null;
  readonly lines: readonly string[];
  readonly errors: string;
  /** The four numbers of the last line; undefined when the last line is another. */
  readonly totals: { calls: number; lost: number; twice: number; sessions: number } | undefined;
}

async function demo(...args: string[]): Promise<Outcome> {
  const script = scriptPath('../../examples/demo/main.ts', import.meta.url);
  const child = spawn(process.execPath, [script, '--brief', '--source', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [out, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  const lines = out.trimEnd().split('\n');
  const found = /^calls (\d+), lost (\d+), run twice (\d+), sessions (\d+)$/.exec(lines.at(-1) ?? '');
  const [calls, lost, twice, sessions] = (found ?? []).slice(1).map(Number) as [
    number,
    number,
    number,
    number,
  ];
  return { code, lines, errors, totals: found ? { calls, lost, twice, sessions } : undefined };
}

describe('npm start', () => {
  let resilient: Outcome;
  let plain: Outcome;

  before(async () => {
    [resilient, plain] = await Promise.all([demo(), demo('--plain')]);
  });

  after(async () => {
    for (const { lines } of [resilient, plain]) {
      const kept = lines.find((line) => line.startsWith('It is kept: '))?.slice('It is kept: '.length);
      if (kept !== undefined) await rm(dirname(kept), { recursive: true, force: true });
    }
  });

  it('loses nothing, runs nothing twice, and ends with the line of the totals and exit code 0', () => {
    assert.equal(resilient.code, 0, `${resilient.lines.join('\n')}\n${resilient.errors}`);
    assert.deepEqual([resilient.totals?.lost, resilient.totals?.twice], [0, 0]);
    assert.ok((resilient.totals?.calls ?? 0) > 40, `${resilient.totals?.calls} calls`);
  });

  it('opens one session at the start and one after each kill, on each server', () => {
    assert.equal(resilient.totals?.sessions, 8);
    assert.equal(resilient.lines.filter((line) => line.includes('killed (SIGKILL)')).length, 6);
    for (const server of ['ledger', 'everything']) {
      for (const n of [2, 3, 4]) {
        const replaced = `${server.padEnd(12)}session ${n} replaces session ${n - 1}`;
        assert.equal(resilient.lines.filter((line) => line.includes(replaced)).length, 1, replaced);
      }
    }
  });

  it('settles the two appends that were killed in the middle by asking the ledger', () => {
    const settled = resilient.lines
      .filter((line) => line.includes('asked the ledger'))
      .map((line) => line.slice(21));
    assert.deepEqual(
      settled.filter((line) => line.startsWith('slow entry')),
      [
        'slow entry A: asked the ledger, it had run; not sent again',
        'slow entry B: asked the ledger, it had not run; appended now',
      ],
    );
  });

  it('writes no colours and rewrites no line when its output is no terminal', () => {
    const text = resilient.lines.join('\n');
    assert.equal(text.includes('\u001b') || text.includes('\r'), false);
  });

  it('loses calls with the SDK transport, and says so by the totals and the exit code', () => {
    assert.equal(plain.code, 1, plain.errors);
    assert.ok((plain.totals?.lost ?? 0) > 10, `${plain.totals?.lost} lost`);
    assert.equal(plain.totals?.sessions, 2);
    const kept = plain.lines.find((line) => line.startsWith('It is kept: '))?.slice('It is kept: '.length);
    assert.ok(readLedger(kept ?? '').length > 0);
  });
});
