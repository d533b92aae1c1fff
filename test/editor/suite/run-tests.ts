import { format } from 'node:util';
import Mocha from 'mocha';
import { 'module.exports' as FiguresReporter } from '../../support/figures-reporter.ts';
import { GREP_VARIABLE } from '../stage-calls.ts';
import { stage } from './stage.ts';

/** How long one test may take, in ms; it may hold several waits for the window. */
const TEST_LIMIT_MS = 180_000;

/** Runs the tests that `load` defines, in the extension host. Rejects when one failed. */
export async function runTests(load: () => Promise<unknown>): Promise<void> {
  process.setSourceMapsEnabled(true);
  const flush = printThroughStage();
  const mocha = new Mocha({ ui: 'bdd', reporter: FiguresReporter, timeout: TEST_LIMIT_MS, color: false });
  const only = process.env[GREP_VARIABLE];
  if (only !== undefined) mocha.fgrep(only);
  // What the mocha command does before it loads a file: describe and it become global.
  mocha.suite.emit('pre-require', globalThis, '', mocha);
  await load();
  const failures = await new Promise<number>((resolve) => mocha.run(resolve));
  await flush();
  if (failures > 0) throw new Error(`${failures} tests failed`);
}

/** An extension host has no standard output. Returns what waits for the lines that are under way. */
function printThroughStage(): () => Promise<unknown> {
  let printed: Promise<unknown> = Promise.resolve();
  const base: { consoleLog: (...parts: unknown[]) => void } = Mocha.reporters.Base;
  base.consoleLog = (...parts) => {
    const line = format(...parts);
    printed = printed.then(() => stage('print', { line }));
  };
  return () => printed;
}
