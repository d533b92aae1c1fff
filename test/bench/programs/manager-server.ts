// The same server under this project's SessionManager, on node:http.
import { nodeListener, SessionManager } from '../../../src/server/index.ts';
import { answerQuestions } from '../program.ts';
import { echoServer } from './echo-server.ts';
import { heapInUse, listening } from './listening.ts';
import { cpuMs } from './timed.ts';

const manager = new SessionManager(echoServer, { maxSessions: 100_000 });
const url = await listening(nodeListener(manager));

answerQuestions({ url: () => url, heap: heapInUse, cpu: cpuMs });
