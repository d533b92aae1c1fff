import { randomUUID } from 'node:crypto';
import { type Dialect, refusalIn } from './dialects.ts';
import type { ScriptedMcp, ScriptedSession } from './mcp.ts';
import { type HttpReply, refusal } from './reply.ts';
import type { RequestRecord } from './request.ts';

export type Admission = { readonly session: ScriptedSession } | { readonly refusal: HttpReply };

/** Who may come in: the sessions, and every check that a right server makes before it runs anything. */
export class SessionBook {
  readonly #mcp: ScriptedMcp;
  readonly #nextId: (() => string) | undefined;
  readonly #sessions = new Map<string, ScriptedSession>();
  #withoutId: ScriptedSession | undefined;
  #lostDialect: Dialect = '404-json';
  #refuseAll: Dialect | undefined;

  /** @param sessionIds makes the ids, or `false`: none are issued and none are asked for */
  constructor(mcp: ScriptedMcp, sessionIds: (() => string) | false = randomUUID) {
    this.#mcp = mcp;
    this.#nextId = sessionIds === false ? undefined : sessionIds;
  }

  /** The sessions held now, oldest first. */
  get live(): ScriptedSession[] {
    return [...this.#sessions.values(), ...(this.#withoutId ? [this.#withoutId] : [])];
  }

  forget(dialect: Dialect | undefined): void {
    this.#sessions.clear();
    this.#withoutId = undefined;
    if (dialect !== undefined) this.#lostDialect = dialect;
  }

  remove(session: ScriptedSession): void {
    if (session.id !== undefined) this.#sessions.delete(session.id);
  }

  refuseAll(dialect: Dialect | undefined): void {
    this.#refuseAll = dialect;
  }

  admit(request: RequestRecord): Admission {
    const malformed = this.#checkForm(request);
    if (malformed) return { refusal: malformed };
    return request.rpc === 'initialize' ? this.#admitInitialize(request) : this.#admitToSession(request);
  }

  #checkForm(request: RequestRecord): HttpReply | undefined {
    const accept = request.headers.accept ?? '';
    const needed =
      request.method === 'GET' ? ['text/event-stream'] : ['application/json', 'text/event-stream'];
    if (request.method !== 'DELETE' && !needed.every((type) => accept.includes(type))) {
      return this.#violation(
        `${request.method} without Accept: ${needed.join(', ')}`,
        refusal(406, -32000, 'Not Acceptable'),
      );
    }
    if (request.method !== 'POST') return undefined;
    if (!(request.headers['content-type'] ?? '').startsWith('application/json')) {
      return this.#violation(
        'POST whose Content-Type is not application/json',
        refusal(415, -32000, 'Unsupported Media Type'),
      );
    }
    return request.message
      ? undefined
      : this.#violation('POST whose body is no JSON object', refusal(400, -32700, 'Parse error'));
  }

  #admitInitialize(request: RequestRecord): Admission {
    if (request.sessionId !== undefined && this.#nextId) {
      const reply = this.#sessions.has(request.sessionId)
        ? refusal(400, -32600, 'Invalid Request: Server already initialized')
        : refusalIn(this.#lostDialect, request);
      return { refusal: this.#violation('initialize carried a session id', reply) };
    }
    const { protocolVersionHeader: announced } = request;
    const asked = request.message?.params?.protocolVersion;
    if (announced !== undefined && announced !== asked) {
      const reply = refusal(400, -32600, 'Bad Request: MCP-Protocol-Version header and body differ');
      return {
        refusal: this.#violation(`initialize for ${asked} carried the version header ${announced}`, reply),
      };
    }
    const session = this.#mcp.openSession(this.#nextId?.(), request);
    if (session.id === undefined) this.#withoutId = session;
    else this.#sessions.set(session.id, session);
    return { session };
  }

  #admitToSession(request: RequestRecord): Admission {
    if (this.#refuseAll && request.sessionId !== undefined)
      return { refusal: refusalIn(this.#refuseAll, request) };
    if (!this.#nextId) {
      this.#withoutId ??= { ...this.#mcp.openSession(undefined, request), initialized: true };
      return this.#checkVersion(request, this.#withoutId);
    }
    if (request.sessionId === undefined) {
      return { refusal: refusal(400, -32000, 'Bad Request: Mcp-Session-Id header is required') };
    }
    const session = this.#sessions.get(request.sessionId);
    return session
      ? this.#checkVersion(request, session)
      : { refusal: refusalIn(this.#lostDialect, request) };
  }

  #checkVersion(request: RequestRecord, session: ScriptedSession): Admission {
    const { protocolVersionHeader: announced } = request;
    if (announced === session.protocolVersion) return { session };
    if (announced === undefined) {
      // Clients of 2025-03-26 did not know this header; from 2025-06-18 on it is a MUST.
      if (session.protocolVersion > '2025-03-26')
        this.#mcp.violations.push(`${request.rpc ?? request.method} carried no version header`);
      return { session };
    }
    const known = this.#mcp.face.protocolVersions.join(', ');
    const text = `Bad Request: Unsupported protocol version: ${announced} (supported versions: ${known})`;
    return {
      refusal: this.#violation(
        `version header ${announced} in a session of ${session.protocolVersion}`,
        refusal(400, -32000, text),
      ),
    };
  }

  #violation(words: string, reply: HttpReply): HttpReply {
    this.#mcp.violations.push(words);
    return reply;
  }
}
