import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { HttpBody } from '../../../../base/http-client.ts';
import { ArrivingBody } from '../plain/arriving-body.ts';

type Signal = RequestInit['signal'];

/**
 * The body of a message of `node:http`.
 * @param incoming the same, decoded
 */
export function incomingBody(
  message: Pick<IncomingMessage, 'complete'>,
  incoming: Readable,
  signal: Signal,
): HttpBody {
  const body = new ArrivingBody({
    pause: () => incoming.pause(),
    resume: () => incoming.resume(),
    // Of one that has arrived whole the socket is free again, or in use for another request already.
    drop: () => (message.complete ? incoming.resume() : incoming.destroy()),
  });
  incoming.on('data', (chunk: Uint8Array) => body.push(chunk));
  incoming.once('end', () => body.finish('whole'));
  incoming.on('error', (error) =>
    body.finish({ error: signal?.aborted ? abortError(signal.reason) : error }),
  );
  incoming.once('close', () => body.finish({ error: new Error('The response was broken off.') }));
  return body;
}

/** As `fetch` does: the reason itself, which is an error as a rule. */
export function abortError(reason: unknown): Error {
  return reason instanceof Error ? reason : new DOMException('This operation was aborted', 'AbortError');
}
