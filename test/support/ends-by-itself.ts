/** How long the process may take to end once the last test has, in ms. */
const limitMs = 30_000;

/**
 * Mocha calls this after the last test. A process that does not end by itself then holds something that a test, or
 * the code under test, has left open: that is a failure, and is said here instead of hanging for ever.
 */
export function mochaGlobalTeardown(): void {
  const limit = setTimeout(() => {
    console.error(`\nThe tests have ended ${limitMs / 1000} s ago, and this is still open:`);
    for (const kind of process.getActiveResourcesInfo()) console.error(`  ${kind}`);
    // Mocha puts its own exit code at this event; the listener that comes last has the last word.
    process.on('exit', () => {
      process.exitCode = 1;
    });
    process.exit();
  }, limitMs);
  limit.unref();
}
