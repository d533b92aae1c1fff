/**
 * A rejection that nobody handles ends a process of Node.js: the gateway of the command line, say, with all its clients.
 * Mocha passes such rejections by; here the test fails during which one comes.
 */
function fail(reason: unknown): never {
  throw reason;
}

/** Before each file: a worker of `mocha --parallel` takes all listeners off after every one. */
export const mochaHooks = {
  beforeAll(): void {
    process.off('unhandledRejection', fail).on('unhandledRejection', fail);
  },
};
