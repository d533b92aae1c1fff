import { type IncomingMessage, request } from 'node:http';
import { verdictOf } from '../../src/protocol/verdict.ts';
import type { Question, RecordedAnswer } from './record.ts';
import type { ServerProcess } from './server-process.ts';

const ASKED_VERSION = '2025-06-18';
const ANSWER_LIMIT_MS = 10_000;
/** How long a stream is listened to that stays open, in ms. */
const STREAM_LISTEN_MS = 300;
const REQUEST_ID = 7;

interface Asked {
  readonly method: 'POST' | 'GET' | 'DELETE';
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
  if (id === undefined) return { hasSessions: false, answers: await withoutSessions(url, version) };
  const ended = await open(url);
  await ask(url, { method: 'DELETE', sessionId: ended.id, version });
  const asked: Record<Question, Asked> = {
    unknownPost: { method: 'POST', sessionId: id, version, message: listTools },
    noIdPost: { method: 'POST', version, message: listTools },
    endedPost: { method: 'POST', sessionId: ended.id, version, message: listTools },
    unknownGet: { method: 'GET', sessionId: id, version },
    unknownDelete: { method: 'DELETE', sessionId: id, version },
    staleInitialize: { method: 'POST', sessionId: id, message: initialize },
  };
  const answers: Partial<Record<Question, RecordedAnswer>> = {};
  for (const [question, each] of Object.entries(asked) as [Question, Asked][]) {
    answers[question] = recorded(each, await ask(url, each), [own.id, ended.id]);
  }
  return { hasSessions: true, answers };
}

/** A server that gives no ids is sent one that nobody gave: it has to take it, or to refuse it for good. */
async function withoutSessions(
  url: string,
  version: string,
): Promise<Partial<Record<Question, RecordedAnswer>>> {
  const sessionId = crypto.randomUUID();
  const asked: Partial<Record<Question, Asked>> = {
    unknownPost: { method: 'POST', sessionId, version, message: listTools },
    noIdPost: { method: 'POST', version, message: listTools },
    unknownGet: { method: 'GET', sessionId, version },
    unknownDelete: { method: 'DELETE', sessionId, version },
    staleInitialize: { method: 'POST', sessionId, message: initialize },
  };
  const answers: Partial<Record<Question, RecordedAnswer>> = {};
  for (const [question, each] of Object.entries(asked) as [Question, Asked][]) {
    answers[question] = recorded(each, await ask(url, each), []);
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

function recorded(asked: Asked, raw: RawAnswer, others: readonly (string | undefined)[]): RecordedAnswer {
  const { status, headers, body, isOpen } = raw;
  const challenge = headers['www-authenticate'];
  const given = headers['mcp-session-id'];
  const verdict = verdictOf({
    method: asked.method,
    sentSessionId: asked.sessionId !== undefined,
    initialize: asked.message === initialize,
    requestId: asked.message ? REQUEST_ID : undefined,
    status,
    // As the connection does, which reads no more of an answer that is good.
    body: status < 300 ? '' : body.slice(0, 8192),
    challenge: challenge ?? null,
  });
  const ids = [asked.sessionId, given, ...others].filter((each) => typeof each === 'string');
  return {
    status,
    contentType: headers['content-type'] ?? null,
    body: ids.reduce((text, id) => text.replaceAll(id, '<session id>'), body),
    ...(isOpen && { isOpen }),
    ...(challenge !== undefined && { challenge }),
    ...(given !== undefined && { sessionId: given === asked.sessionId ? 'sent' : 'another' }),
    verdict: verdict.kind,
  };
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
