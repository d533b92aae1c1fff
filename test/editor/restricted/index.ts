import { runTests } from '../suite/run-tests.ts';

/** Called by the extension host. Rejects when a test failed. */
export function run(): Promise<void> {
  return runTests(() => import('./restricted-mode.test.ts'));
}
