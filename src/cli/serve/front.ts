import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import type { RequestId } from '@modelcontextprotocol/sdk/types.js';
import { isRequest } from '../../protocol/message.ts';
import { mayReplay } from '../../protocol/replay.ts';
import { readMessages } from '../../protocol/text/message-text.ts';
import { attempt, type Forwarded, type Outcome } from './attempt.ts';
import { Bodies, type BodiesOptions, type NotRead } from './bodies.ts';
import { ClientAnswer } from './client-answer.ts';
import { type EntranceOptions, type NotLetIn, notLetIn, tooLarge } from './entrance.ts';
import { NothingServes } from './supervisor.ts';
import type { WorkerProcess } from './worker-process.ts';

export interface FrontOptions extends Pick<EntranceOptions, 'path' | 'allowedHosts'> {
  /** The process to answer the request. @throws NothingServes */
  readonly next: () => Promise<WorkerProcess>;
  readonly limits?: Partial<FrontLimits>;
}

export interface FrontLimits extends BodiesOptions {
  /** How long a request may take to arrive, head and body, in ms. Default 30,000. */
  readonly requestTimeoutMs: number;
  /** How often in a row a request may find that the process which is to take it is not there. Default 100. */
  readonly maxMisses: number;
}

/** What all bodies together may hold, in bytes, unless it is said otherwise. */
export const MAX_HELD_BYTES = 64 * 1024 * 1024;

const DEFAULT_LIMITS: FrontLimits = {
  // As large as the manager takes one.
  maxBodyBytes: 4 * 1024 * 1024,
  maxHeldBytes: MAX_HELD_BYTES,
  requestTimeoutMs: 30_000,
  maxMisses: 100,
};
/** How many processes may end under one request: it may be what they end of. */
const MAX_DEATHS = 2;
/** How long a request waits that has found its process gone, in ms: by then its parent knows. */
const MISS_PAUSE_MS = 20;
/** How long one that was cut off waits for the end of its process, in ms: the same one is not to count twice. */
const END_LIMIT_MS = 1000;
const RETRY_AFTER_SECONDS = 1;

/**
 * What listens, for as long as the program runs. It passes each request to the process that serves at that moment, and
 * lets it wait while none does. A client's connection is never to a process that can go away.
 */
export function front({ path, allowedHosts, next, limits: given }: FrontOptions): Server {
  const limits = { ...DEFAULT_LIMITS, ...given };
  const { requestTimeoutMs } = limits;
  const entrance = { path, allowedHosts, maxBodyBytes: limits.maxBodyBytes };
  const bodies = new Bodies(limits);
  const clock = {
    requestTimeout: requestTimeoutMs,
    headersTimeout: requestTimeoutMs,
    // Node.js looks for late ones only now and then.
    connectionsCheckingInterval: Math.min(requestTimeoutMs, 10_000),
  };
  return createServer(clock, (request, response) => {
    const answer = new ClientAnswer(response);
    const refusal = notLetIn(request, entrance);
    if (refusal) refuse(answer, refusal);
    else serve(request, response, answer, { bodies, next, limits }).catch(() => answer.breakOff());
  });
}

interface Inside {
  readonly bodies: Bodies;
  readonly next: FrontOptions['next'];
  readonly limits: FrontLimits;
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  answer: ClientAnswer,
  { bodies, next, limits }: Inside,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const body = await bodies.read(request);
  if (typeof body === 'string') return refuse(answer, notRead(body, limits));
  const { method = 'GET', url = '/', headersDistinct: headers } = request;
  try {
    const forwarded = { method, url, headers, body: body.bytes, gone: gone.signal };
    await new Forwarding(forwarded, answer, { next, limits }).run();
  } finally {
    body.release();
  }
}

/** One request, handed to one process after the other, as often as may be. */
class Forwarding {
  readonly #request: Forwarded;
  readonly #answer: ClientAnswer;
  readonly #next: FrontOptions['next'];
  readonly #maxMisses: number;
  readonly #asked: unknown;
  readonly #id: RequestId | null;
  #deaths = 0;
  #misses = 0;

  constructor(request: Forwarded, answer: ClientAnswer, { next, limits }: Omit<Inside, 'bodies'>) {
    this.#request = request;
    this.#answer = answer;
    this.#next = next;
    this.#maxMisses = limits.maxMisses;
    this.#asked = parse(request.body);
    this.#id = isRequest(this.#asked) ? this.#asked.id : null;
  }

  async run(): Promise<void> {
    const { gone } = this.#request;
    while (!gone.aborted) {
      let worker: WorkerProcess;
      try {
        worker = await this.#next();
      } catch (error) {
        if (!(error instanceof NothingServes)) throw error;
        return this.#refuse(503, error.message, RETRY_AFTER_SECONDS);
      }
      const outcome = await attempt(worker, this.#request, this.#answer);
      if (outcome === 'answered' || gone.aborted || !(await this.#goesOn(outcome, worker))) return;
    }
  }

  /** Whether another process may be asked. If not, the client has been told. */
  async #goesOn(outcome: Exclude<Outcome, 'answered'>, worker: WorkerProcess): Promise<boolean> {
    if (this.#answer.isBroken) {
      this.#answer.breakOff();
      return false;
    }
    if (outcome === 'notSent') {
      if (++this.#misses > this.#maxMisses)
        return this.#giveUp(503, 'The server process is not to be reached.');
      await setTimeout(MISS_PAUSE_MS);
      return true;
    }
    this.#misses = 0;
    if (outcome === 'impossible') return this.#giveUp(400, 'Bad Request: it cannot be passed on.');
    if (outcome === 'streamCut') {
      await ended(worker);
      this.#deaths = 0;
      return true;
    }
    if (!maySendAgain(this.#request.method, this.#asked)) {
      // Or the next call of this client would meet the same process, while it ends.
      await ended(worker);
      return this.#giveUp(502, 'The server process ended before it answered; the call may have run.');
    }
    if (++this.#deaths < MAX_DEATHS) {
      await ended(worker);
      return true;
    }
    return this.#giveUp(
      502,
      `${MAX_DEATHS} server processes ended under this request; it is not sent to another.`,
    );
  }

  #giveUp(status: number, message: string): false {
    this.#refuse(status, message);
    return false;
  }

  #refuse(status: number, message: string, retryAfterSeconds?: number): void {
    this.#answer.refuse(status, this.#id, message, retryAfterSeconds);
  }
}

/** Resolves when a process has ended. One that cut a request off and lives on is waited for no longer than that. */
async function ended({ exited }: WorkerProcess): Promise<void> {
  const limit = new AbortController();
  await Promise.race([exited, setTimeout(END_LIMIT_MS, undefined, { signal: limit.signal })]).finally(() =>
    limit.abort(),
  );
}

function refuse(answer: ClientAnswer, { status, message, headers }: NotLetIn): void {
  answer.refuse(status, null, message, status === 503 ? RETRY_AFTER_SECONDS : undefined, headers);
}

function notRead(why: NotRead, { maxBodyBytes }: FrontLimits): NotLetIn {
  if (why === 'too large') return tooLarge(maxBodyBytes);
  return why === 'gone'
    ? { status: 400, message: 'The body broke off.' }
    : { status: 503, message: 'Too many large requests are arriving at once.' };
}

/** Whether a request that a process may have run can be given to the next one. */
function maySendAgain(method: string, body: unknown): boolean {
  // A stream goes on, and what is ended is ended twice.
  if (method !== 'POST') return true;
  if (Array.isArray(body)) return !body.some(isRequest);
  if (!isRequest(body)) return true;
  return body.method === 'initialize' || mayReplay(body, 'unknown', undefined).replay;
}

function parse(body: Buffer): unknown {
  try {
    const messages = readMessages(body.toString()).map(({ message }) => message);
    return messages.length === 1 ? messages[0] : messages;
  } catch {
    return undefined;
  }
}
