/**
 * A rejection that nobody handles ends a process of Node.js: the gateway of the command line, say, with all its clients.
 * Mocha passes such rejections by; here the test fails during which one comes.
 */
process.on('unhandledRejection', (reason) => {
  throw reason;
});
