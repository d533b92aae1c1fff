import { runTests } from './run-tests.ts';

/** Called by the extension host. Rejects when a test failed. */
export function run(): Promise<void> {
  return runTests(async () => {
    // Before those whose servers it would count as well.
    await import('./session-timeline.test.ts');
    await import('./built-in-client.test.ts');
    await import('./session-indicator.test.ts');
    await import('./diagnosing.test.ts');
    await import('./gateway.test.ts');
    await import('./configuration.test.ts');
    await import('./acting.test.ts');
  });
}
