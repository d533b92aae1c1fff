import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { isRequest } from '../../protocol/message.ts';
import { mayReplay } from '../../protocol/replay.ts';
import { attempt, type Forwarded } from './attempt.ts';
import { ClientAnswer } from './client-answer.ts';
import { NothingServes } from './supervisor.ts';
import type { WorkerProcess } from './worker-process.ts';

export interface FrontOptions {
  /** The path of the endpoint; every other is answered with 404. */
  readonly path: string;
  /** The process that is to answer. @throws NothingServes */
  readonly next: () => Promise<WorkerProcess>;
}

/** The largest body, in bytes; as large as the manager takes one. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const RETRY_AFTER_SECONDS = 1;

/**
 * What listens on the port, for as long as the program runs. It passes each request to the process that serves at that
 * moment, and lets it wait while none does. A client's connection is never to a process that can go away.
 */
export function front({ path, next }: FrontOptions): RequestListener {
  return (request, response) => {
    const answer = new ClientAnswer(response);
    if (request.url?.split('?', 1)[0] !== path) {
      answer.refuse(404, null, `There is nothing here; the MCP endpoint is ${path}.`);
      return;
    }
    serve(request, response, answer, next).catch(() => answer.breakOff());
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  answer: ClientAnswer,
  next: FrontOptions['next'],
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const body = await bodyOf(request);
  if (!body) return answer.refuse(413, null, `The body is larger than ${MAX_BODY_BYTES} bytes.`);
  const { method = 'GET', url = '/', headersDistinct: headers } = request;
  await forward({ method, url, headers, body, gone: gone.signal }, answer, next);
}

async function forward(request: Forwarded, answer: ClientAnswer, next: FrontOptions['next']): Promise<void> {
  const asked = parse(request.body);
  const id = isRequest(asked) ? asked.id : null;
  while (!request.gone.aborted) {
    let worker: WorkerProcess;
    try {
      worker = await next();
    } catch (error) {
      if (!(error instanceof NothingServes)) throw error;
      return answer.refuse(503, id, error.message, RETRY_AFTER_SECONDS);
    }
    const outcome = await attempt(worker, request, answer);
    if (outcome === 'answered' || request.gone.aborted) return;
    if (answer.isBroken) return answer.breakOff();
    if (outcome === 'cut' && !maySendAgain(request.method, asked)) {
      return answer.refuse(502, id, 'The server process ended before it answered; the call may have run.');
    }
  }
}

/** Whether a request that a process may have run can be given to the next one. */
function maySendAgain(method: string, body: unknown): boolean {
  // A stream goes on, and what is ended is ended twice.
  if (method !== 'POST') return true;
  if (Array.isArray(body)) return !body.some(isRequest);
  if (!isRequest(body)) return true;
  return body.method === 'initialize' || mayReplay(body, 'unknown', undefined).replay;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    // The rest is read, so that the client, which reads nothing while it writes, hears why.
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return bytes > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks);
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
