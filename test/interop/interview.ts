import { type IncomingMessage, request } from 'node:http';
import { judge, REQUEST_ID } from './judge.ts';
import { type Question, questions, type RecordedAnswer } from './record.ts';
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

/**
 * Asks a server the questions of `record.ts`, with no client of any SDK between them and the bytes. The id that it
 * does not know is one of its own, of before it was killed: some servers look at the form of an id.
 */
export async function interview(
  server: ServerProcess,
  url: string,
): Promise<{ hasSessions: boolean; answers: Partial<Record<Question, RecordedAnswer>> }> {
  const stale = await open(url);
  await server.kill();
  await server.start();
  const own = await open(url);
  const { id, version } = stale;
  if (id === undefined) {
    // It is sent one that nobody gave: it has to take it, or to refuse it for good.
    return { hasSessions: false, answers: await answersTo(url, version, crypto.randomUUID(), []) };
  }
  const ended = await open(url);
  await ask(url, { method: 'DELETE', sessionId: ended.id, version });
  return { hasSessions: true, answers: await answersTo(url, version, id, [own.id, ended.id]) };
}

/** Asks everything; what is about a session that was ended, only where there is one: the second of `others`. */
async function answersTo(
  url: string,
  version: string,
  unknown: string,
  others: readonly (string | undefined)[],
): Promise<Partial<Record<Question, RecordedAnswer>>> {
  const answers: Partial<Record<Question, RecordedAnswer>> = {};
  for (const [name, { method, sendsId }] of Object.entries(questions)) {
    const question = name as Question;
    const [, ended] = others;
    if (question === 'endedPost' && ended === undefined) continue;
    const sessionId = question === 'endedPost' ? ended : unknown;
    const isInitialize = question === 'staleInitialize';
    const raw = await ask(url, {
      method,
      ...(sendsId && { sessionId }),
      ...(!isInitialize && { version }),
      ...(method === 'POST' && { message: isInitialize ? initialize : listTools }),
    });
    answers[question] = recorded(question, raw, sessionId, others);
  }
  return answers;
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
  others: readonly (string | undefined)[],
): RecordedAnswer {
  const challenge = headers['www-authenticate'];
  const given = headers['mcp-session-id'];
  const ids = [sent, given, ...others].filter((each) => typeof each === 'string');
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
