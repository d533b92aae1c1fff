import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { until } from '../../harness/until.ts';
import { cloneTo } from '../support/clone.ts';
import { scratchFolder } from '../support/scratch.ts';

const { tasks } = JSON.parse(readFileSync('.vscode/tasks.json', 'utf8'));
const matcher = tasks.find(({ label }: { label: string }) => label === 'watch').problemMatcher;
const [begins, ends] = [matcher.background.beginsPattern, matcher.background.endsPattern].map(
  (pattern: string) => new RegExp(pattern),
);

describe('npm run watch', () => {
  it('says when all bundles are built and what is wrong, in lines that the matcher of the editor knows', async () => {
    using clone = scratchFolder();
    cloneTo(clone.path);
    const child = spawn(process.execPath, ['esbuild.mjs', '--watch'], {
      cwd: clone.path,
      // esbuild goes on watching for as long as its input is open.
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const lines: string[] = [];
    const listeners = new Set<(line: string) => void>();
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on('line', (line) => {
        lines.push(line);
        for (const listener of [...listeners]) listener(line);
      });
    }
    const heard = (pattern: RegExp | undefined) =>
      until<string>(
        (listener) => {
          for (const line of lines) listener(line);
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
        (line) => pattern?.test(line) ?? false,
        { timeoutMs: 60_000, what: `a line like ${pattern}` },
      );
    const gone = once(child, 'close');
    try {
      await heard(begins);
      await heard(ends);
      for (const name of ['extension.js', 'window.js', 'attach.js', 'webview/timeline.js', 'cli/main.mjs']) {
        assert.ok(existsSync(clone.file(`dist/${name}`)), `${name} was not built by then`);
      }
      lines.length = 0;
      appendFileSync(clone.file('src/extension.ts'), '\nconst = 1;\n');
      await heard(ends);
      const [message, place] = matcher.pattern.map(({ regexp }: { regexp: string }) => new RegExp(regexp));
      const at = lines.findIndex((line) => message.test(line));
      const [, file, line] = place.exec(lines[at + 1]) ?? [];
      assert.deepEqual(
        [file, line],
        [
          'src/extension.ts',
          String(readFileSync(clone.file('src/extension.ts'), 'utf8').split('\n').length - 1),
        ],
        lines.join('\n'),
      );
    } finally {
      child.stdin.end();
      child.kill('SIGKILL');
      await gone;
    }
  });
});
