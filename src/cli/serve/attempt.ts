import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as send } from 'node:http';
import { type ClientAnswer, hopByHop } from './client-answer.ts';
import type { WorkerProcess } from './worker-process.ts';

/** A client's request with its body already read, so that it can be sent to several processes in turn. */
export interface Forwarded {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headersDistinct'];
  readonly body: Buffer;
  /** Aborts when the client disconnects. */
  readonly gone: AbortSignal;
}

/**
 * `answered`: completely. `notSent`: the process did not get it. `impossible`: Node.js cannot send it. `cut`:
 * the process may have got it and did not answer completely. `streamCut`: the same for a GET stream, which
 * lasts until its process ends or is replaced.
 */
export type Outcome = 'answered' | 'notSent' | 'impossible' | 'cut' | 'streamCut';

/** Sends a request to one process and relays the answer. Never rejects. */
export async function attempt(
  worker: WorkerProcess,
  request: Forwarded,
  answer: ClientAnswer,
): Promise<Outcome> {
  const isStream = request.method === 'GET';
  // A stream lasts as long as its client and moves to the next process. The process does not wait for its
  // end.
  const end = isStream ? () => {} : worker.begin();
  const signal = isStream ? AbortSignal.any([request.gone, worker.retired]) : request.gone;
  let hasBegun = false;
  const cut = (): Outcome => {
    if (isStream && (hasBegun || worker.retired.aborted)) return 'streamCut';
    if (!request.gone.aborted) worker.blame();
    return 'cut';
  };
  try {
    const upstream = await open(worker, request, signal);
    if (typeof upstream === 'string') return upstream;
    hasBegun = true;
    const isWhole = await answer.take(upstream);
    if (!isWhole || (isStream && worker.retired.aborted)) return cut();
    answer.end();
    return 'answered';
  } catch {
    return cut();
  } finally {
    end();
  }
}

/** Rejects when the process was reached and did not answer. */
async function open(
  { socketPath }: WorkerProcess,
  { method, url, headers, body }: Forwarded,
  signal: AbortSignal,
): Promise<IncomingMessage | 'notSent' | 'impossible'> {
  const passedOn = Object.entries(headers).filter(
    ([name]) => !hopByHop.has(name) && name !== 'content-length',
  );
  let outgoing: ClientRequest;
  try {
    outgoing = send({
      socketPath,
      method,
      path: url,
      signal,
      // One connection each: the next process has another socket, and a kept one could be closing.
      agent: false,
      headers: {
        ...Object.fromEntries(
          passedOn.map(([name, values = []]) => [name, values.length === 1 ? values[0] : values]),
        ),
        ...(body.length > 0 && { 'content-length': body.length }),
      },
    });
  } catch {
    // Node.js refuses to write it, for every process.
    return 'impossible';
  }
  let isConnected = false;
  outgoing.once('socket', (socket) => {
    socket.once('connect', () => {
      isConnected = true;
    });
  });
  outgoing.end(body);
  try {
    const [upstream] = (await once(outgoing, 'response')) as [IncomingMessage];
    return upstream;
  } catch (error) {
    if (!isConnected && !signal.aborted) return 'notSent';
    throw error;
  } finally {
    // Without a listener, an error after the answer's head would end the program; the answer's own stream
    // reports it.
    outgoing.on('error', () => {});
  }
}
