import { isUsableSessionId } from '../../protocol/http/headers.ts';
import { type Finding, note, ok, problem } from '../check.ts';
import { CLAUSES } from '../clauses.ts';
import type { Answer, NoAnswer } from './visit.ts';

/** The longest session id that a connection takes (`limits.maxSessionIdLength`). */
const MAX_SESSION_ID_LENGTH = 4096;
/** A shorter id can be guessed, whatever it is made of. */
const MIN_SESSION_ID_LENGTH = 16;

/** Whether there are sessions, and whether their ids are fit for it. */
export function eraFinding(sessionId: string | undefined): Finding {
  if (sessionId === undefined) {
    return ok('The server gives no session id: it keeps no sessions, and none can be lost by a restart.', {
      clause: CLAUSES.sessions,
    });
  }
  if (!isUsableSessionId(sessionId, MAX_SESSION_ID_LENGTH)) {
    return problem(
      `The session id has characters other than visible ASCII, or more than ${MAX_SESSION_ID_LENGTH}.`,
      {
        clause: CLAUSES.sessions,
      },
    );
  }
  return sessionId.length < MIN_SESSION_ID_LENGTH
    ? note(`The server keeps sessions. An id of ${sessionId.length} characters can be guessed.`, {
        advice: 'Make ids of at least 128 random bits, such as a UUID.',
        clause: CLAUSES.sessions,
      })
    : ok('The server keeps sessions, and named this one.', { clause: CLAUSES.sessions });
}

/** A 403: a matter of authorization, or of a guard. */
export function forbidden({ headers, body }: Answer): Finding {
  if (headers.has('www-authenticate')) return ok('The server answered 403: it wants more authorization.');
  const isGuard = /\b(?:host|origin)\b/i.test(body);
  return problem('The server answered 403 and asks for no authorization.', {
    advice: isGuard
      ? 'It guards against foreign host names or origins: add this one to those that it allows.'
      : 'A proxy, or a guard of the server against foreign host names, is the usual cause.',
    clause: CLAUSES.sending,
  });
}

/** HTTP+SSE where Streamable HTTP is configured. */
export function olderTransport(): Finding {
  return problem('This is the address of the older transport, HTTP+SSE.', {
    advice:
      'Configure it with "type": "sse", or use the Streamable HTTP address of the server, if it has one.',
    clause: CLAUSES.compatibility,
  });
}

/** A refusal that says no more than its status. */
export function refusedByStatus(status: number, isPage: boolean): Finding {
  const page = isPage ? ', a page for a browser' : '';
  if (status === 404 || status === 405) {
    return problem(`There is no MCP endpoint at this address: the answer is ${status}${page}.`, {
      advice: 'Check the path; /mcp is a usual one.',
    });
  }
  if (status === 406 || status === 415) {
    return problem(`The server refused the media types of MCP (${status}).`, {
      advice: 'It must accept a JSON body, and clients that take application/json and text/event-stream.',
      clause: CLAUSES.sending,
    });
  }
  if (status === 429 || status >= 500) {
    return problem(`The server answered ${status}${page}.`, {
      advice:
        status === 429
          ? 'Too many requests: wait, or raise its limit.'
          : status === 502 || status === 504
            ? 'A proxy is there, the server behind it is not.'
            : 'The log of the server says more.',
    });
  }
  return problem(`The server refused initialize with ${status}${page}.`, { clause: CLAUSES.sending });
}

/** Where the port is open and no HTTP came: what may listen there. */
export function adviceOn({ code, message }: NoAnswer, url: URL): string {
  // Node.js 24 gives a parser error no code.
  const isOtherProtocol = /^HPE_|ERR_SSL|EPROTO/.test(code) || /HTTP\/1\.1 protocol/.test(message);
  if (isOtherProtocol || /other side closed|socket hang up/.test(message)) {
    return url.protocol === 'http:'
      ? 'Does something else than HTTP listen there? If it is HTTPS, the address begins with https://.'
      : 'Does something else than HTTPS listen there?';
  }
  return 'Something listens, and closes the connection without an answer.';
}

/** What a server calls itself, in a line. */
export function nameOf(info: unknown): string {
  const { name, version } = (info ?? {}) as { name?: unknown; version?: unknown };
  return name === undefined
    ? 'A server without a name'
    : `${String(name)} ${String(version ?? '')}`.trim().slice(0, 120);
}
