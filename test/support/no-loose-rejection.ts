import { inspect } from 'node:util';

/**
 * A rejection that nobody handles ends a process of Node.js: the gateway of the command line, say, with all its clients.
 * Mocha passes such rejections by; here the test after which one is left over fails. A test may await late what was
 * rejected early: that is no fault of what it tests, so a rejection that found its handler meanwhile does not count.
 */
const loose = new Map<Promise<unknown>, unknown>();

function rejected(reason: unknown, promise: Promise<unknown>): void {
  loose.set(promise, reason);
}

function handled(promise: Promise<unknown>): void {
  loose.delete(promise);
}

export const mochaHooks = {
  /** Before each file: a worker of `mocha --parallel` takes all listeners off after every one. */
  beforeAll(): void {
    process.off('unhandledRejection', rejected).on('unhandledRejection', rejected);
    process.off('rejectionHandled', handled).on('rejectionHandled', handled);
  },

  async afterEach(): Promise<void> {
    // Node.js tells of both once the microtasks of a turn are done.
    await new Promise((resolve) => setImmediate(resolve));
    const [first] = loose.values();
    const { size } = loose;
    loose.clear();
    // In the message: a worker's error reaches the reporter without its cause.
    if (size > 0) throw new Error(`Rejected, and handled by nobody (${size}): ${inspect(first)}`);
  },
};
