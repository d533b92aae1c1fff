import { withinOrigin } from '../../client/wire/http/redirect.ts';
import { isResilientMcpError } from '../../protocol/errors.ts';
import { LATEST_REVISION, SESSION_ID_HEADER, sessionIdIn } from '../../protocol/http/headers.ts';
import { isErrorResponse } from '../../protocol/message.ts';
import { jsonRpcError } from '../../protocol/verdict.ts';
import { type Evidence, type Finding, note, ok, problem, skipped } from '../check.ts';
import { CLAUSES } from '../clauses.ts';
import type { Way } from '../network.ts';
import { authorizationFinding } from './authorization.ts';
import {
  adviceOn,
  eraFinding,
  forbidden,
  nameOf,
  olderTransport,
  refusedByStatus,
} from './handshake-findings.ts';
import { type Answer, NoAnswer, type Visit } from './visit.ts';

/** Errors by which a server of the stateless revision refuses `initialize` (MCP 2026-07-28, basic). */
const STATELESS_ERRORS: ReadonlySet<number> = new Set([-32020, -32021, -32022]);
const STATELESS_REVISION = '2026-07-28';

type Seen = (evidence: Evidence) => void;

/** The way into a session: one `initialize`, looked at from below to above. */
export class Handshake {
  readonly #visit: Visit;
  readonly #way: Way;
  readonly #client: { readonly name: string; readonly version: string };
  #answer: Answer | undefined;
  #isEndpoint = false;
  /** Why there is no session to look at any further; undefined as long as there may be one. */
  #because: string | undefined;
  /** What the server offers, by its answer to `initialize`. */
  #capabilities: Readonly<Record<string, unknown>> = {};

  constructor(visit: Visit, way: Way, client: { readonly name: string; readonly version: string }) {
    this.#visit = visit;
    this.#way = way;
    this.#client = client;
  }

  /** Why checks of a session are not made. */
  get because(): string | undefined {
    return this.#because;
  }

  /** Whether the server answered at all. */
  get hasAnswered(): boolean {
    return this.#answer !== undefined;
  }

  offers(capability: string): boolean {
    return capability in this.#capabilities;
  }

  /** What `initialize` was answered with, as HTTP. */
  async status(signal: AbortSignal, seen: Seen): Promise<Finding> {
    this.#because = 'The server gave no usable answer to initialize.';
    let answer: Answer;
    try {
      answer = await this.#initialize(signal, seen);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      this.#because = 'No request can be made.';
      if (this.#way.blocked) return skipped(this.#way.blocked);
      return problem(
        `The port is open, but no HTTP answer came: ${this.#visit.redaction.clean(error.message)}.`,
        {
          advice: adviceOn(error, this.#visit.url),
        },
      );
    }
    this.#answer = answer;
    const isRedirect = answer.status >= 300 && answer.status < 400;
    const finding = await (isRedirect
      ? this.#redirected(answer, signal, seen)
      : this.#statusFinding(answer, signal, seen));
    this.#isEndpoint = finding.verdict !== 'problem';
    return finding;
  }

  /** Whether the server wants to know who asks. */
  async authorization(signal: AbortSignal, seen: Seen): Promise<Finding> {
    const answer = this.#answer;
    if (!answer || !this.#isEndpoint) return skipped(this.#because ?? 'No answer came.');
    const hasGiven = new Headers(this.#visit.target.headers).has('authorization');
    if (answer.status !== 401 && !(answer.status === 403 && answer.headers.has('www-authenticate'))) {
      return ok(hasGiven ? 'The server took the Authorization header.' : 'The server asks for none.');
    }
    this.#because = 'The server lets nobody in without authorization.';
    return authorizationFinding(this.#visit, answer, hasGiven, signal, seen);
  }

  /** What the server and the client agreed on. */
  async initialized(signal: AbortSignal, seen: Seen): Promise<Finding> {
    const answer = this.#answer;
    if (!answer) return skipped(this.#because ?? 'No answer came.');
    const isRefused = !this.#isEndpoint || answer.status === 401 || answer.status === 403;
    if (isRefused) return skipped(this.#because ?? 'The server refused.');
    const refusal =
      answer.response && isErrorResponse(answer.response) ? answer.response.error : jsonRpcError(answer.body);
    if (refusal) return this.#refused(refusal, answer.status);
    if (answer.status < 200 || answer.status > 299) return skipped(this.#because ?? 'The server refused.');
    const result = answer.response && 'result' in answer.response ? answer.response.result : undefined;
    if (!result) {
      return problem(`The answer to initialize is none: it came as ${answer.type || 'no content type'}.`, {
        advice: 'Answer with application/json, or with an event stream that ends with the response.',
        clause: CLAUSES.sending,
      });
    }
    const { protocolVersion, serverInfo, capabilities } = result as Record<string, unknown>;
    if (typeof protocolVersion !== 'string') {
      return problem('The answer to initialize names no protocol version.', { clause: CLAUSES.lifecycle });
    }
    this.#capabilities = (capabilities ?? {}) as Record<string, unknown>;
    const sessionId = sessionIdIn(answer.headers.get(SESSION_ID_HEADER));
    this.#visit.agreed = { protocolVersion, sessionId };
    this.#because = undefined;
    return this.#confirmed(nameOf(serverInfo), protocolVersion, signal, seen);
  }

  /** Whether there are sessions. */
  async era(signal: AbortSignal, seen: Seen): Promise<Finding> {
    const { agreed } = this.#visit;
    if (agreed) return eraFinding(agreed.sessionId);
    const error = this.#answer && jsonRpcError(this.#answer.body);
    if (error === undefined || !STATELESS_ERRORS.has(error.code))
      return skipped(this.#because ?? 'No answer came.');
    const isThere = await this.#discover(signal, seen);
    this.#because = `The server speaks revision ${STATELESS_REVISION} alone, which has no sessions.`;
    return problem(
      `The server speaks the stateless revision ${STATELESS_REVISION} alone${isThere ? ', and answers server/discover' : ''}. Clients of the revisions with sessions cannot use it, and this one is such a client.`,
      {
        advice: `Let the server answer initialize as well, or use a client that speaks ${STATELESS_REVISION}.`,
        clause: CLAUSES.stateless,
      },
    );
  }

  #initialize(signal: AbortSignal, seen: Seen): Promise<Answer> {
    const message = this.#visit.request('initialize', {
      protocolVersion: LATEST_REVISION,
      capabilities: {},
      clientInfo: this.#client,
    });
    return this.#visit.ask({ verb: 'POST', message }, signal, seen);
  }

  /** Goes where a connection would go, and no further. */
  async #redirected(first: Answer, signal: AbortSignal, seen: Seen): Promise<Finding> {
    const { fetch } = this.#visit.edge;
    const location = this.#visit.redaction.clean(first.headers.get('location') ?? 'nowhere');
    try {
      this.#visit.fetch = withinOrigin(fetch);
      this.#answer = await this.#initialize(signal, seen);
    } catch (error) {
      const isNotFollowed = isResilientMcpError((error as Error).cause);
      if (!isNotFollowed) throw error;
      return problem(
        `The address redirects (${first.status}) to ${location}, where no request is sent after it.`,
        {
          advice: 'Use the final address. Headers with credentials are not carried to another origin.',
        },
      );
    }
    const finding = await this.#statusFinding(this.#answer, signal, seen);
    return finding.verdict === 'ok'
      ? note(`The address redirects (${first.status}) to ${location}. ${finding.says}`, {
          advice: 'Use the final address, and save each request its detour.',
        })
      : finding;
  }

  async #statusFinding(answer: Answer, signal: AbortSignal, seen: Seen): Promise<Finding> {
    const { status, type } = answer;
    const isPage = type === 'text/html';
    if (status >= 200 && status < 300) {
      return isPage
        ? problem(`The answer (${status}) is a page for a browser.`, {
            advice: 'Is this the address of the MCP endpoint? A login page in between looks the same.',
          })
        : ok(`The server answered ${status}.`);
    }
    if (status === 401) return ok('The server answered 401: it wants authorization.');
    if (status === 403) return forbidden(answer);
    const error = jsonRpcError(answer.body);
    if (error && (STATELESS_ERRORS.has(error.code) || /already initialized/i.test(error.message))) {
      return ok(`The server answered ${status}, with a JSON-RPC error.`);
    }
    if (status === 400 || status === 404 || status === 405) {
      if (await this.#isOlderTransport(signal, seen)) return olderTransport();
    }
    return refusedByStatus(status, isPage);
  }

  /** HTTP+SSE answers a GET with a stream that begins with the address for messages (MCP 2025-11-25, compatibility). */
  async #isOlderTransport(signal: AbortSignal, seen: Seen): Promise<boolean> {
    try {
      const ask = { verb: 'GET', called: 'GET, as the older transport does', listenMs: 1000 } as const;
      const { events } = await this.#visit.ask(ask, signal, seen);
      return events[0]?.event === 'endpoint';
    } catch (error) {
      if (error instanceof NoAnswer) return false;
      throw error;
    }
  }

  #refused(error: { readonly code: number; readonly message: string }, status: number): Finding {
    const words = this.#visit.redaction.clean(error.message).slice(0, 200);
    if (STATELESS_ERRORS.has(error.code))
      return skipped('The server refuses initialize as the stateless revision does.');
    if (/already initialized/i.test(error.message)) {
      this.#because = 'The server holds a session already, and opens no second one.';
      return problem('The server serves a single session, and another client has it.', {
        advice:
          'End that client, or restart the server. A server for several clients needs a transport for each session.',
        clause: CLAUSES.sessions,
      });
    }
    return problem(`The server refused initialize (${status}): ${error.code} ${words}`, {
      clause: CLAUSES.lifecycle,
    });
  }

  /** Says `initialized`, as a client has to. */
  async #confirmed(server: string, version: string, signal: AbortSignal, seen: Seen): Promise<Finding> {
    const message = { method: 'notifications/initialized' };
    const { sessionId } = this.#visit.agreed ?? {};
    const { status } = await this.#visit.ask({ verb: 'POST', message, sessionId }, signal, seen);
    const says = `${this.#visit.redaction.clean(server)}, protocol version ${version}.`;
    if (status === 202) return ok(says);
    const clause = CLAUSES.sending;
    return status >= 200 && status < 300
      ? note(`${says} It answered a notification with ${status}, where 202 is asked for.`, { clause })
      : problem(`${says} It refused the notification that completes the handshake (${status}).`, {
          advice: 'Answer notifications with 202 Accepted and no body.',
          clause,
        });
  }

  async #discover(signal: AbortSignal, seen: Seen): Promise<boolean> {
    const meta = {
      'io.modelcontextprotocol/protocolVersion': STATELESS_REVISION,
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/clientInfo': this.#client,
    };
    const message = this.#visit.request('server/discover', { _meta: meta });
    const headers = { 'mcp-method': 'server/discover' };
    const ask = { verb: 'POST', message, protocolVersion: STATELESS_REVISION, headers } as const;
    const { response } = await this.#visit.ask(ask, signal, seen);
    return response !== undefined && 'result' in response;
  }
}
