/**
 * `npm run test:chaos -- [--calls 20000] [--in-flight 16] [--seed 1]`: random faults over real server processes.
 * Exit code 0 only if no call was lost, none ran twice, and every answer was true.
 */
import { parseArgs } from 'node:util';
import { quantile } from '../bench/harness.ts';
import { runChaos } from './chaos.ts';

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '20000' },
    'in-flight': { type: 'string', default: '16' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
const calls = wholeNumber('calls');
const inFlight = wholeNumber('in-flight');
const seed = wholeNumber('seed');

console.log(`chaos: seed ${seed}, ${calls} calls, ${inFlight} at a time for each server`);
const startedAt = Date.now();
const report = await runChaos({
  calls: calls ?? 0,
  inFlight: inFlight ?? 1,
  seed: seed ?? 1,
  tell: console.log,
});
const { lost, runTwice, untrue } = report;
for (const line of [...lost, ...runTwice, ...untrue].slice(0, 50)) console.log(line);
console.log(`faults ${JSON.stringify(report.faults)}; typed errors ${JSON.stringify(report.failed)}`);
const share = ((100 * report.answered) / report.calls).toFixed(1);
const [half, most] = [0.5, 0.99].map((part) => Math.round(quantile(report.answeredInMs, part)));
console.log(`answered ${share} %, half of them within ${half} ms, 99 of 100 within ${most} ms`);
console.log(
  `calls ${report.calls}, answered ${report.answered}, lost ${lost.length}, run twice ${runTwice.length}, ` +
    `untrue ${untrue.length}, sessions ${report.sessions}, ${Math.round((Date.now() - startedAt) / 1000)} s, seed ${seed}`,
);
process.exitCode = lost.length + runTwice.length + untrue.length === 0 ? 0 : 1;

function wholeNumber(option: keyof typeof values): number {
  const number = Number(values[option]);
  if (Number.isInteger(number) && number > 0) return number;
  console.error(`test:chaos: --${option} is a whole number above 0, not "${values[option]}"`);
  process.exit(2);
}
