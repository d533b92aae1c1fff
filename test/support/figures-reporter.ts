import { appendFileSync } from 'node:fs';
import Mocha from 'mocha';

/** Characters of a failure's message that the figures carry. */
const longestError = 600;

/**
 * Mocha's spec reporter that also adds the run's figures, as one line of JSON, to the file that the environment
 * variable TEST_FIGURES names. `npm test` adds the lines of all its parts up, and repeats the names and first words of
 * what failed at its end, where a log that was cut still has them.
 */
class FiguresReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    const failures: { readonly title: string; readonly error: string }[] = [];
    runner.on(Mocha.Runner.constants.EVENT_TEST_FAIL, (test: Mocha.Runnable, error: Error) => {
      failures.push({ title: test.fullTitle(), error: `${error.message}`.slice(0, longestError) });
    });
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const file = process.env.TEST_FIGURES;
      const { passes: passed, failures: failed, pending: skipped } = this.stats;
      if (file) appendFileSync(file, `${JSON.stringify({ passed, failed, skipped, failures })}\n`);
    });
  }
}

// Mocha loads a reporter by require(), which gets what an ES module exports under this name.
export { FiguresReporter as 'module.exports' };
