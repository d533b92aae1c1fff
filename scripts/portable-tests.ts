/** Tests that `npm run test:portable` leaves out everywhere, by pattern, each with its reason. */
export const leftOut: Readonly<Record<string, string>> = {
  'test/{agent-host,editor}/**': 'need a real editor',
  'test/webview/browser/**': 'need a browser',
  'test/server/redis/**': 'need Redis',
  'test/interop/**': 'install and judge the programs of others',
  'test/set-up/**': 'install packages of Debian',
  'test/package/**': 'build and pack the whole; one platform packs',
  'test/chaos/**': 'run for long, and find nothing that hangs on the platform',
  'test/architecture.test.ts': 'reads the sources, which are the same everywhere',
  'test/{repository,types}.test.ts': 'as the architecture',
};

/** What is left out on Windows as well. */
export const leftOutOnWindows: Readonly<Record<string, string>> = {
  'test/harness/supervised-server.test.ts': 'freezes a process, and has one that takes SIGTERM',
  'test/processes/{ending,frozen,module,starting}.test.ts':
    'programs that take signals, and files with modes',
  'test/cli/{attach,bridge,bridge-life,doctor,front,gateway,main,serve}.test.ts':
    'commands that are ended in good order by SIGTERM or SIGINT',
  'test/server/scenarios/**': 'servers that are ended in good order by SIGTERM',
  'test/scripts/replay/command.test.ts': 'as the commands',
  'test/gateway/prompt-answers.test.ts': 'stops a process',
};

/** What is left out on Node.js 22 as well. */
export const leftOutOnNode22: Readonly<Record<string, string>> = {
  'test/processes/{starting,stdio}.test.ts':
    'three of them fail there: their programs write to a full pipe, or start themselves by import(); not mended yet',
};
