import { type IncomingMessage, request } from 'node:http';
import { judge, REQUEST_ID } from './judge.ts';
import { type Question, questions, type RecordedAnswer, type ServerRecord } from './record.ts';
import type { ServerProcess } from './server-process.ts';

const ASKED_VERSION = '2025-06-18';
const ANSWER_LIMIT_MS = 10_000;
/** How long a stream is listened to that stays open, in ms. */
const STREAM_LISTEN_MS = 300;

interface Asked {
  readonly method: string;
  readonly sessionId?: string | undefined;
  readonly version?: string | undefined;
  readonly message?: object;
}

interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly isOpen: boolean;
}

const listTools = { jsonrpc: '2.0', id: REQUEST_ID, method: 'tools/list', params: {} };
const initialize = {
  jsonrpc: '2.0',
  id: REQUEST_ID,
  method: 'initialize',
  params: {
    protocolVersion: ASKED_VERSION,
    capabilities: {},
    clientInfo: { name: 'interop', version: '1.0.0' },
  },
};

/** A session that was opened by hand; `id` is undefined where the server gives none. */
interface Opened {
  readonly id: string | undefined;
  readonly version: string;
}

/** What `interview` found out. */
type Interview = Pick<ServerRecord, 'hasSessions' | 'answers'>;

/**
 * Asks a server the questions of `record.ts`, with no client of any SDK between them and the bytes. The id that it
 * does not know is one of its own, of before it was killed: some servers look at the form of an id.
 */
export async function interview(
  server: ServerProcess,
  url: string,
  holdsOneSession: boolean,
): Promise<Interview> {
  const { id, version } = await open(url);
  await server.kill();
  await server.start();
  const answers: Partial<Record<Question, RecordedAnswer>> = {};
  const about = async (sessionId: string | undefined, ...asked: readonly Question[]) => {
    for (const question of asked) answers[question] = await answerTo(question, url, version, sessionId);
  };
  if (id === undefined) {
    // It is sent one that nobody gave: it has to take it, or to refuse it for good.
    await about(crypto.randomUUID(), ...aboutUnknown);
    return { hasSessions: false, answers: inOrder(answers) };
  }
  if (holdsOneSession) {
    // It is asked as it is after a restart, without a session; then for the only one that it takes.
    await about(id, ...aboutUnknown);
    await server.kill();
    await server.start();
    await about(await endedSession(url), 'endedPost');
  } else {
    await open(url);
    const ended = await endedSession(url);
    await about(id, ...aboutUnknown);
    await about(ended, 'endedPost');
  }
  return { hasSessions: true, answers: inOrder(answers) };
}

const aboutUnknown = Object.keys(questions).filter((each) => each !== 'endedPost') as Question[];

/** In the order of the page, whatever the order in which was asked. */
const inOrder = (answers: Interview['answers']): Interview['answers'] =>
  Object.fromEntries(
    Object.keys(questions).flatMap((name) => (name in answers ? [[name, answers[name as Question]]] : [])),
  );

async function answerTo(
  question: Question,
  url: string,
  version: string,
  sessionId: string | undefined,
): Promise<RecordedAnswer> {
  const { method, sendsId } = questions[question];
  const isInitialize = question === 'staleInitialize';
  const raw = await ask(url, {
    method,
    ...(sendsId && { sessionId }),
    ...(!isInitialize && { version }),
    ...(method === 'POST' && { message: isInitialize ? initialize : listTools }),
  });
  return recorded(question, raw, sessionId);
}

/** The id of a session that was ended by DELETE. */
async function endedSession(url: string): Promise<string | undefined> {
  const { id, version } = await open(url);
  await ask(url, { method: 'DELETE', sessionId: id, version });
  return id;
}

/** Opens a session by hand. A server that listens but is not yet ready is asked again. */
async function open(url: string): Promise<Opened> {
  const answer = await ask(url, { method: 'POST', message: initialize });
  if (answer.status !== 200) throw new Error(`initialize was answered with ${answer.status}: ${answer.body}`);
  const header = answer.headers['mcp-session-id'];
  const id = typeof header === 'string' ? header : undefined;
  const version = /"protocolVersion":\s*"([^"]+)"/.exec(answer.body)?.[1] ?? ASKED_VERSION;
  const message = { jsonrpc: '2.0', method: 'notifications/initialized' };
  await ask(url, { method: 'POST', sessionId: id, version, message });
  return { id, version };
}

function recorded(
  question: Question,
  { status, headers, body, isOpen }: RawAnswer,
  sent: string | undefined,
): RecordedAnswer {
  const challenge = headers['www-authenticate'];
  const given = headers['mcp-session-id'];
  const ids = [sent, given].filter((each) => typeof each === 'string');
  const answer = {
    status,
    contentType: headers['content-type'] ?? null,
    body: ids.reduce((text, id) => text.replaceAll(id, '<session id>'), body),
    ...(isOpen && { isOpen }),
    ...(challenge !== undefined && { challenge }),
    ...(given !== undefined && { sessionId: given === sent ? ('sent' as const) : ('another' as const) }),
  };
  return { ...answer, verdict: judge(question, answer).kind };
}

/** One exchange on a connection of its own. */
function ask(url: string, { method, sessionId, version, message }: Asked): Promise<RawAnswer> {
  const body = message && JSON.stringify(message);
  const headers = {
    accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
    ...(body !== undefined && {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    }),
    ...(sessionId !== undefined && { 'mcp-session-id': sessionId }),
    ...(version !== undefined && { 'mcp-protocol-version': version }),
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false });
    const limit = setTimeout(() => sent.destroy(new Error(`no answer to ${method}`)), ANSWER_LIMIT_MS);
    sent.once('error', reject);
    sent.once('response', (answer) => {
      const parts: Buffer[] = [];
      const settle = (isOpen: boolean) => {
        clearTimeout(limit);
        clearTimeout(listening);
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: Buffer.concat(parts).toString('utf8'),
          isOpen,
        });
        sent.destroy();
      };
      // Only a stream of the server's own stays open without a word.
      const listening = method === 'GET' ? setTimeout(() => settle(true), STREAM_LISTEN_MS) : undefined;
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.once('end', () => settle(false));
      answer.once('error', () => settle(false));
    });
    sent.end(body);
  });
}
