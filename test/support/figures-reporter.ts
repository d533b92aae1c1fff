import { appendFileSync } from 'node:fs';
import Mocha from 'mocha';

/**
 * Mocha's spec reporter that also adds the run's figures, as one line of JSON, to the file that the environment
 * variable TEST_FIGURES names. `npm test` adds the lines of all its parts up.
 */
class FiguresReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const file = process.env.TEST_FIGURES;
      const { passes, failures, pending } = this.stats;
      if (file)
        appendFileSync(file, `${JSON.stringify({ passed: passes, failed: failures, skipped: pending })}\n`);
    });
  }
}

// Mocha loads a reporter by require(), which gets what an ES module exports under this name.
export { FiguresReporter as 'module.exports' };
