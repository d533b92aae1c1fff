// The same server under this project's SessionManager, on node:http. With an argument its sessions hibernate, after as
// many ms.
import { nodeListener, SessionManager } from '../../../src/server/index.ts';
import { answerQuestions } from '../program.ts';
import { echoServer } from './echo-server.ts';
import { heapInUse, listening } from './listening.ts';
import { cpuMs } from './timed.ts';

const hibernateAfterMs = Number(process.argv[2] ?? Number.POSITIVE_INFINITY);
let onLastAsleep = () => {};
const manager = new SessionManager(echoServer, {
  maxSessions: 100_000,
  hibernateAfterMs,
  log: ({ event, sessions }) => {
    if (event === 'sessionHibernated' && sessions === 0) onLastAsleep();
  },
});
const url = await listening(nodeListener(manager));

const handlers = {
  url: () => url,
  heap: heapInUse,
  cpu: cpuMs,
  /** Answers once every session hibernates. */
  asleep: () =>
    new Promise<void>((resolve) => {
      onLastAsleep = resolve;
      if (manager.sessions === 0) resolve();
    }),
};

export type ManagerServer = typeof handlers;
answerQuestions(handlers);
