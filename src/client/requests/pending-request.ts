import type { ResilientMcpError } from '../../protocol/errors.ts';
import type { Request, RequestId, Response } from '../../protocol/message.ts';
import { toolOf } from '../../protocol/message.ts';
import { answered, type Outcome } from '../../protocol/outcome.ts';
import type { Refusal } from '../../protocol/refusal.ts';
import type { ToolHints } from '../../protocol/replay.ts';
import { withId } from '../../protocol/text/message-text.ts';
import type { ServerFacts } from '../memory/handshake.ts';
import type { Waiter } from '../session/gate.ts';
import type { Session } from '../session/session.ts';

/** A session as it was when it was looked at. */
export interface Seen {
  readonly session: Session | undefined;
  readonly outages: number;
}

/** What a call was made for: the server and its tools, as they were when the call came. */
export interface Meaning {
  readonly seen: Seen;
  readonly server: ServerFacts | undefined;
  readonly hints: ToolHints | undefined;
  /** The pages of the tools as the client saw them, or as they were listed in its place. */
  readonly tools: readonly string[] | undefined;
}

/** One request of the client, from its sending to its settling, over as many sessions as it takes. */
export class PendingRequest implements Waiter {
  readonly request: Request;
  /** What it was made for. */
  readonly meaning: Meaning;
  readonly tool: string | undefined;
  readonly startedAt: number;
  patienceMs: number;
  triggeredAttempt = false;
  /** The session that it is on now, while an exchange is under way. */
  session: Session | undefined;
  /** Where its stream can be taken up, and on which session alone. */
  resumeFrom: { readonly session: Session; readonly lastEventId: string } | undefined;
  /** Resumptions in a row that brought no new event. */
  idleResumes = 0;
  /** How often it was cut off after it had been sent. */
  disconnects = 0;
  /** How often a session was lost under it. */
  losses = 0;
  /** How the session was of which it is known that it is of the server that the call means. */
  seen: Seen;
  /** The session it was sent on last. */
  sentOn: Session | undefined;
  /** The id that it bears on the wire; its own, unless it is sent twice on one session. */
  wireId: RequestId;
  /** It was broken off to be sent once more, on another connection. */
  isResent = false;
  /** The refusal on which a new session was tried for it: what is refused there again is its answer. */
  retriedRefusal: Refusal | undefined;
  /** The client no longer wants the answer. */
  cancelled = false;
  /** When its exchange was last heard of: sent, or a byte of its answer. By the monotonic clock. */
  heardAt: number;
  #isResending = false;
  #exchange: AbortController | undefined;
  /** Made when somebody asks for its signal: most calls never wait. */
  #controller: AbortController | undefined;
  readonly #answered = Promise.withResolvers<Outcome>();

  constructor(request: Request, meaning: Meaning, startedAt: number, patienceMs: number) {
    this.request = request;
    this.meaning = meaning;
    this.seen = meaning.seen;
    this.wireId = request.id;
    this.tool = toolOf(request);
    this.startedAt = startedAt;
    this.heardAt = startedAt;
    this.patienceMs = patienceMs;
  }

  /** Aborted when its client gives it up. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.cancelled) this.#controller.abort();
    return this.#controller.signal;
  }

  get id(): RequestId {
    return this.request.id;
  }

  /** The answer that came another way than on the exchange: on the server's own stream. */
  get elsewhere(): Promise<Outcome> {
    return this.#answered.promise;
  }

  answerElsewhere(response: Response): void {
    this.#answered.resolve(answered(response));
  }

  /** Its answer came there, and cannot be taken. */
  refuseElsewhere(error: ResilientMcpError): void {
    this.#answered.resolve({ kind: 'failed', error });
  }

  cancel(): void {
    this.cancelled = true;
    this.#controller?.abort();
    this.#exchange?.abort();
  }

  /**
   * The request as it goes out on a session. Ids are used once in a session (MCP, basic: requests), and the first
   * sending may still be running: a second one on the same session bears an id of its own. So does each one on a
   * session that another connection has begun.
   */
  outgoing(session: Session, newId: () => string): Request {
    this.wireId = this.sentOn === session || session.isResumed ? newId() : this.request.id;
    this.sentOn = session;
    return this.wireId === this.request.id ? this.request : withId(this.request, this.wireId);
  }

  /** An answer from the wire, under the id that the client knows. */
  incoming(response: Response): Response {
    return response.id === this.request.id ? response : withId(response, this.request.id);
  }

  /** Begins an exchange: a signal that ends it alone. */
  begin(now: number): AbortSignal {
    this.heardAt = now;
    this.#exchange = new AbortController();
    if (this.cancelled) this.#exchange.abort();
    return this.#exchange.signal;
  }

  /** Breaks the exchange under way, since its connection may be dead: it is sent again on a new one. */
  resend(): void {
    this.isResent = true;
    this.#isResending = true;
    this.breakOff();
  }

  /** Whether the exchange that has ended was broken off by {@link resend}; true once. */
  takeResending(): boolean {
    const isResending = this.#isResending;
    this.#isResending = false;
    return isResending;
  }

  /** Breaks the exchange under way; the request itself goes on. */
  breakOff(): void {
    this.#exchange?.abort();
  }
}
