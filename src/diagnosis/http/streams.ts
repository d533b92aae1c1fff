import { type Evidence, type Finding, note, ok, problem } from '../check.ts';
import { CLAUSES } from '../clauses.ts';
import { type Ask, HEAD_LIMIT_MS, type Visit } from './visit.ts';

/** How long an open stream is watched, in ms; a stream that does not last ends at once. */
const WATCHED_MS = 500;
/** How long what came after an event may take to come again, in ms. */
const AGAIN_MS = 2000;

type Seen = (evidence: Evidence) => void;

/** Whether the server offers a GET stream for its own messages. */
export async function streamFinding(visit: Visit, signal: AbortSignal, seen: Seen): Promise<Finding> {
  const ask: Ask = { verb: 'GET', sessionId: visit.agreed?.sessionId, listenMs: WATCHED_MS };
  const answer = await visit.askForStream(ask, signal, seen);
  const clause = CLAUSES.listening;
  if (answer === 'no head') {
    return note(
      `The server took a GET and sent nothing for ${HEAD_LIMIT_MS / 1000} s, not even the head of an answer.`,
      {
        advice: 'Send the head of the stream at once (in Node.js: response.flushHeaders()).',
        clause,
      },
    );
  }
  const { status, type, hasEnded, eventIds } = answer;
  if (status === 405) {
    return ok(
      'The server has no stream of its own (405): it says nothing unasked, such as that its tools have changed.',
      {
        clause,
      },
    );
  }
  if (status < 200 || status > 299) {
    return note(`A GET is refused with ${status}. Where there is no stream the specification asks for 405.`, {
      clause,
    });
  }
  if (type !== 'text/event-stream') {
    return note(`A GET is answered ${status} with ${type || 'no content type'}, which is no stream.`, {
      advice: 'Answer 405 where there is no stream.',
      clause,
    });
  }
  if (hasEnded) {
    return note('The server opens a stream of its own, and ends it at once.', {
      advice: 'Leave it open, or answer 405. Clients open it again and again.',
      clause,
    });
  }
  const [eventId] = eventIds;
  if (eventId !== undefined) visit.resumable ??= { eventId, requestId: undefined };
  return ok('The server has a stream of its own, and it stays open.', { clause });
}

/** Whether a stream that was cut can be taken up. */
export async function resumptionFinding(visit: Visit, signal: AbortSignal, seen: Seen): Promise<Finding> {
  const clause = CLAUSES.resumability;
  const { resumable } = visit;
  if (!resumable) {
    return note('Events carry no ids: a call whose stream is cut off cannot be taken up.', {
      advice: 'Where calls take long, give events ids and keep them for a while.',
      clause,
    });
  }
  const { eventId, requestId } = resumable;
  const sessionId = visit.agreed?.sessionId;
  const answer = await visit.askForStream(
    {
      verb: 'GET',
      called: 'GET with Last-Event-ID',
      sessionId,
      lastEventId: eventId,
      awaits: requestId,
      listenMs: requestId === undefined ? WATCHED_MS : AGAIN_MS,
    },
    signal,
    seen,
  );
  if (answer === 'no head') {
    return note(`A GET with Last-Event-ID got nothing for ${HEAD_LIMIT_MS / 1000} s, not even a head.`, {
      clause,
    });
  }
  const { status, type, response } = answer;
  if (status < 200 || status > 299 || type !== 'text/event-stream') {
    return problem(`Events carry ids, but a GET with Last-Event-ID is answered ${status}.`, {
      advice: 'Serve what came after that event, or give no ids: clients rely on them.',
      clause,
    });
  }
  if (requestId === undefined)
    return ok('The stream of the server can be taken up after an event.', { clause });
  return response
    ? ok('A stream can be taken up after an event: the answer that came then was sent again.', { clause })
    : problem('A stream can be taken up, but what came after the event is not sent again.', {
        advice: 'Keep events for a while, and send those that came after Last-Event-ID.',
        clause,
      });
}
