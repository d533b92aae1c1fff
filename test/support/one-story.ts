/**
 * For a suite in which each test begins where the one before has ended: once one has failed, those after it are skipped.
 * Mocha's own `bail` would end all other suites with it.
 */
export function oneStory(): void {
  let hasFailed = false;
  beforeEach(function () {
    if (hasFailed) this.skip();
  });
  afterEach(function () {
    hasFailed ||= this.currentTest?.state === 'failed';
  });
}
