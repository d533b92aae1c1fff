import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Lines } from '../../src/base/lines.ts';
import { secretsOfProgram, variablesOf } from '../../src/processes/program.ts';
import { ProgramOutput } from '../../src/processes/program-output.ts';
import { HeldClock } from '../support/held-clock.ts';

describe('the variables of a program', () => {
  it("are its parent's, without the editor's, and its own over them", () => {
    const parent = {
      PATH: '/bin',
      HOME: '/home/a',
      NONE: undefined,
      VSCODE_PID: '1',
      ELECTRON_RUN_AS_NODE: '1',
    };
    assert.deepEqual(variablesOf(parent, { HOME: '/b', KEY: 'k' }, undefined, 'linux'), {
      PATH: '/bin',
      HOME: '/b',
      KEY: 'k',
    });
  });

  it('are none of this project, such as the token of a gateway, unless they are its own', () => {
    const parent = { PATH: '/bin', RESILIENT_MCP_TOKEN: 't', Resilient_Mcp_Session_Key: 'k' };
    assert.deepEqual(variablesOf(parent, { RESILIENT_MCP_X: 'x' }), { PATH: '/bin', RESILIENT_MCP_X: 'x' });
    assert.deepEqual(variablesOf(parent, {}, ['RESILIENT_MCP_TOKEN']), { PATH: '/bin' });
  });

  it('are a short list where that is chosen, those that are named, and its own', () => {
    const parent = {
      PATH: '/bin',
      HOME: '/home/a',
      NPM_TOKEN: 't',
      HTTPS_PROXY: 'p',
      Temp: 'C:',
      NODE_OPTIONS: 'n',
    };
    assert.deepEqual(variablesOf(parent, { KEY: 'k' }, [], 'linux'), {
      PATH: '/bin',
      HOME: '/home/a',
      KEY: 'k',
    });
    assert.deepEqual(variablesOf(parent, {}, ['HTTPS_PROXY'], 'linux'), {
      PATH: '/bin',
      HOME: '/home/a',
      HTTPS_PROXY: 'p',
    });
    assert.deepEqual(variablesOf({ Path: 'a', temp: 'b', Secret: 'c' }, {}, [], 'win32'), {
      Path: 'a',
      temp: 'b',
    });
  });

  it('are never given twice in two spellings on Windows', () => {
    assert.deepEqual(variablesOf({ Path: 'a', path2: 'b' }, { PATH: 'c' }, undefined, 'win32'), {
      path2: 'b',
      PATH: 'c',
    });
    assert.deepEqual(variablesOf({ Path: 'a' }, { PATH: 'c' }, undefined, 'linux'), { Path: 'a', PATH: 'c' });
  });
});

describe('the secrets of a program', () => {
  const secrets = (args: readonly string[], env: Record<string, string> = {}, own = {}) =>
    [...secretsOfProgram({ args, env }, own).keys()].filter(Boolean);

  it('are all of its own variables, and those of its parent that are named like one', () => {
    const env = { GITHUB_TOKEN: 'of the parent', PATH: '/bin', MODE: 'own' };
    assert.deepEqual(secrets([], env, { MODE: 'own' }), ['of the parent', 'own']);
  });

  for (const [args, found] of [
    [['--token', 'abc'], ['abc']],
    [['--api-key=abc'], ['abc']],
    [
      ['--header', 'Authorization: Bearer abc'],
      ['Bearer', 'abc'],
    ],
    [['--header=X-Api-Key: abc'], ['abc']],
    [['https://host/?a=b&api_key=abc&c=d'], ['abc']],
    [['--verbose', 'abc', 'key'], []],
  ] as const) {
    it(`are found in ${args.join(' ')}`, () => assert.deepEqual(secrets(args), found));
  }
});

describe('lines of bytes', () => {
  function linesOf(maxBytes: number, chunks: readonly Uint8Array[]): string[] {
    const seen: string[] = [];
    const lines = new Lines(maxBytes, {
      onLine: (line) => seen.push(line),
      onTooLong: (head) => seen.push(`${new TextDecoder().decode(head)} and`),
      onRest: (part) => seen.push(new TextDecoder().decode(part)),
    });
    for (const chunk of chunks) lines.feed(chunk);
    lines.end();
    return seen;
  }

  it('are the same however the bytes come', () => {
    const property = fc.property(
      fc.array(fc.string({ unit: 'grapheme' }).filter((text) => !/[\r\n]/.test(text) && text !== '')),
      fc.array(fc.nat({ max: 20 })),
      (texts, cuts) => {
        const bytes = new TextEncoder().encode(texts.map((text) => `${text}\n`).join(''));
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(bytes.subarray(at, at + cut));
          at += cut;
        }
        assert.deepEqual(linesOf(1_000_000, [...chunks, bytes.subarray(at)]), texts);
      },
    );
    fc.assert(property);
  });

  it('end in \\r\\n as well as in \\n, and the last one without', () => {
    const bytes = new TextEncoder().encode('a\r\nb\n\nc');
    assert.deepEqual(linesOf(100, [bytes]), ['a', 'b', 'c']);
  });

  it('are kept up to their bound, and the next one is whole again', () => {
    const chunks = ['abc', 'def', 'ghi\njkl\nmnopq'].map((text) => new TextEncoder().encode(text));
    assert.deepEqual(linesOf(4, chunks), ['abcd and', 'ef', 'ghi', 'jkl', 'mnop and', 'q']);
  });
});

describe('what a program writes', () => {
  it('is told up to a bound, and what was left out is counted', async () => {
    const clock = new HeldClock();
    const told: string[] = [];
    const output = new ProgramOutput({ clock, secrets: new Map(), onLine: (line) => told.push(line) });
    for (let line = 0; line < 1000; line++) output.take(`line ${line}`);
    assert.equal(told.length, 50);
    assert.equal(output.last, 'line 999');
    await clock.advance(1000);
    output.take('later');
    assert.deepEqual(told.slice(-2), ['(950 lines were left out)', 'later']);
    await clock.advance(3_600_000);
    for (let line = 0; line < 1000; line++) output.take(`line ${line}`);
    assert.equal(told.length, 102);
  });
});
