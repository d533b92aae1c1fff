import { isErrorResponse } from '../../protocol/message.ts';
import { looksLikeLostSession, type Verdict, verdictOf } from '../../protocol/verdict.ts';
import { type Evidence, type Finding, note, ok, problem, skipped } from '../check.ts';
import { CLAUSES } from '../clauses.ts';
import type { Answer, Ask, Visit } from './visit.ts';

/** So many requests at once go over connections of their own, and so perhaps to several replicas. */
const PINGS_AT_ONCE = 4;
/** How long a stream that ought not to open is watched, in ms. */
const STREAM_PROBE_MS = 200;

const ADVICE_ON_UNKNOWN =
  'Answer 404. A client that keeps to the specification opens a new session on a 404, and on nothing else: until then each of its requests fails.';

type Seen = (evidence: Evidence) => void;

/** Whether the server keeps the session that it has issued. */
export async function honouredFinding(visit: Visit, signal: AbortSignal, seen: Seen): Promise<Finding> {
  const sessionId = visit.agreed?.sessionId;
  if (sessionId === undefined) return skipped('The server gives no session id.');
  const pings = Array.from({ length: PINGS_AT_ONCE }, () => ping(visit, { sessionId }, signal, seen));
  const answers = await Promise.all(pings);
  const refused = answers.filter((answer) => !isServed(answer));
  const [first] = refused;
  const unanswered = answers.find(({ response }) => response && isErrorResponse(response));
  if (!first) {
    return unanswered === undefined
      ? ok(`${PINGS_AT_ONCE} requests at once were answered in it.`)
      : note('The session is kept, but the server answers ping with an error.', {
          advice: 'Answer ping with an empty result: clients tell by it whether a session lives.',
          clause: CLAUSES.ping,
        });
  }
  if (refused.length < answers.length) {
    return problem(
      `Of ${answers.length} requests in the session that it had just opened, the server refused ${refused.length} (${first.status}).`,
      {
        advice:
          'Several replicas behind one address need session affinity, or sessions that all of them know.',
        clause: CLAUSES.sessions,
      },
    );
  }
  return problem(`The server refuses the session that it has just opened (${first.status}).`, {
    advice: 'It must know an id that it issued until it has ended that session.',
    clause: CLAUSES.sessions,
  });
}

/** What the server answers to an id that it does not know: as after its restart, to every client that it had. */
export async function unknownFinding(visit: Visit, signal: AbortSignal, seen: Seen): Promise<Finding> {
  const issued = visit.agreed?.sessionId;
  if (issued === undefined) return skipped('The server gives no session id.');
  const sessionId = idLike(issued, visit.edge);
  visit.redaction.hideId(sessionId);
  const posted = await ping(visit, { sessionId, called: 'POST ping, unknown session' }, signal, seen);
  const got = await visit.askForStream(
    { verb: 'GET', sessionId, called: 'GET, unknown session', listenMs: STREAM_PROBE_MS },
    signal,
    seen,
  );
  const deleted = await visit.ask(
    { verb: 'DELETE', sessionId, called: 'DELETE, unknown session' },
    signal,
    seen,
  );
  const statuses = `POST ${posted.status}, GET ${got === 'no head' ? 'nothing' : got.status}, DELETE ${deleted.status}`;
  return refusalFinding(posted, statuses, 'an id that it does not know');
}

/** Whether a client can end its session, and whether it is over then. */
export async function endFinding(visit: Visit, signal: AbortSignal, seen: Seen): Promise<Finding> {
  const sessionId = visit.agreed?.sessionId;
  if (sessionId === undefined) return skipped('The server gives no session id.');
  const { status } = await visit.ask({ verb: 'DELETE', sessionId }, signal, seen);
  const clause = CLAUSES.sessions;
  if (status === 405 || status === 501) {
    return note(`The server does not let clients end a session (${status}), as it may.`, {
      advice: 'See that sessions which nobody uses expire.',
      clause,
    });
  }
  if (status < 200 || status > 299) {
    return problem(`The server refused to end a session that it holds (${status}).`, {
      advice: 'Answer 200 or 204, or 405 where clients may not end sessions.',
      clause,
    });
  }
  visit.agreed = undefined;
  const after = await ping(visit, { sessionId, called: 'POST ping, ended session' }, signal, seen);
  return refusalFinding(
    after,
    `DELETE ${status}, then POST ${after.status}`,
    'an id whose session has ended',
  );
}

/** Judges how a session that is not there is refused. */
function refusalFinding(answer: Answer, statuses: string, what: string): Finding {
  const clause = CLAUSES.sessions;
  const verdict = verdictOn(answer);
  const says = `${statuses} to ${what}`;
  switch (verdict.kind) {
    case 'sessionLost':
      if (answer.status === 404) return ok(`${says}: 404 says that the session is gone.`, { clause });
      return answer.status === 410
        ? note(`${says}. The specification asks for 404.`, { clause })
        : problem(`${says}. The specification asks for 404.`, { advice: ADVICE_ON_UNKNOWN, clause });
    case 'answered':
    case 'accepted':
      return isRefusedInBody(answer)
        ? problem(`${says}: success, with an error in its body that says the session is gone.`, {
            advice: ADVICE_ON_UNKNOWN,
            clause,
          })
        : served(says, what, clause);
    case 'unavailable':
      return problem(`${says}: the server says that it is busy, so clients wait and ask again.`, {
        advice: ADVICE_ON_UNKNOWN,
        clause,
      });
    case 'authorization':
      return problem(`${says}: clients take that for a matter of authorization.`, {
        advice: ADVICE_ON_UNKNOWN,
        clause,
      });
    default:
      return problem(`${says}. The specification asks for 404.`, { advice: ADVICE_ON_UNKNOWN, clause });
  }
}

function served(says: string, what: string, clause: Finding['clause'] & object): Finding {
  return what.includes('ended')
    ? problem(`${says}: the server goes on serving it.`, {
        advice: 'Answer 404 to the id of a session that was ended.',
        clause,
      })
    : note(`${says}: the server serves it, and so does not look at ids.`, {
        advice:
          'No restart loses a session here. Whoever keeps state by the id has to check that it was issued.',
        clause,
      });
}

function ping(
  visit: Visit,
  more: Pick<Ask, 'sessionId' | 'called'>,
  signal: AbortSignal,
  seen: Seen,
): Promise<Answer> {
  return visit.ask({ verb: 'POST', message: visit.request('ping'), ...more }, signal, seen);
}

function verdictOn({ status, body, headers }: Answer): Verdict {
  return verdictOf({
    method: 'POST',
    sentSessionId: true,
    initialize: false,
    status,
    body,
    challenge: headers.get('www-authenticate'),
  });
}

function isServed(answer: Answer): boolean {
  return answer.status >= 200 && answer.status < 300 && !isRefusedInBody(answer);
}

function isRefusedInBody({ response }: Answer): boolean {
  return response !== undefined && isErrorResponse(response) && looksLikeLostSession(response.error);
}

/**
 * An id that the server has not issued, of the form of one that it has: some servers refuse an id by its form alone,
 * and the ids of a client whose server was restarted have the right one.
 */
function idLike(issued: string, { random, newId }: Pick<Visit['edge'], 'random' | 'newId'>): string {
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.test(issued)) return newId();
  const one = (characters: string) => characters.charAt(Math.floor(random() * characters.length));
  const isHex = /^[0-9a-f]+$/.test(issued);
  return issued.replace(/[a-z0-9]/gi, (character) => {
    if (isHex) return one('0123456789abcdef');
    if (/\d/.test(character)) return one('0123456789');
    return one(/[a-z]/.test(character) ? 'abcdefghijklmnopqrstuvwxyz' : 'ABCDEFGHIJKLMNOPQRSTUVWXYZ');
  });
}
