// One process of `resilient-mcp serve`: it loads the module and serves it on the socket that its parent names.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { headerOf, isOk } from '../../endpoint/http.ts';
import { listener } from '../../endpoint/node/listener.ts';
import { describeError } from '../../protocol/errors.ts';
import { SESSION_ID_HEADER } from '../../protocol/http/headers.ts';
import { type LogRecord, SessionManager } from '../../server/index.ts';
import { factoryOf } from './factory.ts';
import { failureOf } from './failure-words.ts';
import { ListNews, readLists } from './lists.ts';
import { type Assignment, type FromWorker, loopbackNames, type ToWorker } from './messages.ts';
import { followImports } from './module-graph.ts';
import { WorkerStore } from './shared-store.ts';

const ownFolder = dirname(fileURLToPath(import.meta.url));

/** Calls back when the message was sent, or cannot be. */
function send(message: FromWorker, then: () => void = () => {}): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => then());
  else then();
}

/** While the module is tried, its failure is reported to the parent, once and with its place. */
let isOnTrial = true;

function log({ level, event, session, reason, action }: LogRecord): void {
  if (isOnTrial || (level !== 'warn' && level !== 'error')) return;
  console.error(
    `resilient-mcp serve: ${event}${session ? ` (session ${session})` : ''}: ${reason}; ${action}`,
  );
}

async function serve(assignment: Assignment): Promise<SessionManager> {
  const { keys, scope, allowedHosts, maxBodyBytes, socketPath } = assignment;
  const news = new ListNews(store);
  let factoryFailure: { readonly error: unknown } | undefined;
  const factory = news.around(await factoryOf(assignment.module));
  const manager = new SessionManager(
    async (session) => {
      try {
        return await factory(session);
      } catch (error) {
        factoryFailure = { error };
        throw error;
      }
    },
    {
      key: keys,
      scope,
      store,
      log,
      maxBodyBytes,
      allowedHosts: allowedHosts === 'any' ? 'any' : [...loopbackNames, ...allowedHosts],
    },
  );
  const lists = await readLists(manager.handle, new URL('http://localhost/')).catch((error: unknown) => {
    // The client has seen a 500; the factory's own error says why.
    throw factoryFailure?.error ?? error;
  });
  isOnTrial = false;
  news.publish(lists);
  const serving = listener(async (request, context) => {
    const answer = await manager.answer(request, context);
    const sessionId = headerOf(answer, SESSION_ID_HEADER) ?? request.headers.get(SESSION_ID_HEADER);
    if (request.method === 'GET' && isOk(answer) && sessionId) {
      news.streamOpened(sessionId).catch((error) => console.error(describeError(error)));
    }
    return answer;
  });
  await once(createServer(serving).listen(socketPath), 'listening');
  return manager;
}

function follow(): () => void {
  let files: string[] = [];
  const flush = () => {
    if (files.length > 0) send({ kind: 'files', files });
    files = [];
  };
  const readCommonJs = followImports((file) => {
    if (file.startsWith(ownFolder)) return;
    if (files.length === 0) setImmediate(flush);
    files.push(file);
  });
  return () => {
    readCommonJs();
    flush();
  };
}

async function start(assignment: Assignment): Promise<void> {
  const flush = assignment.watch ? follow() : () => {};
  try {
    const manager = await serve(assignment);
    process.on('message', (message: ToWorker) => {
      if (message.kind === 'drain') void manager.drain(message).finally(() => process.exit(0));
    });
    flush();
    send({ kind: 'ready' });
  } catch (error) {
    flush();
    const isTheirs = (file: string) => !file.startsWith(ownFolder) && !/[\\/]node_modules[\\/]/.test(file);
    send(failureOf(error, isTheirs), () => process.exit(1));
  }
}

const store = new WorkerStore((message) => send(message));
process.on('message', (message: ToWorker) => {
  store.hear(message);
  if (message.kind === 'serve') void start(message);
});
// A parent that has vanished has left its socket to the system, and nobody else can reach this process.
process.once('disconnect', () => process.exit(1));
// Terminals and process managers signal the whole group; the parent decides when a worker ends.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
