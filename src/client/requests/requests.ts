import { createBackOff } from '../../base/back-off.ts';
import type { ResilientMcpError } from '../../protocol/errors.ts';
import {
  cancelledId,
  isRequest,
  isResponse,
  type JSONRPCMessage,
  type Notification,
  type Request,
  type RequestId,
  type Response,
  tokenOf,
} from '../../protocol/message.ts';
import type { ScannedMessage } from '../../protocol/text/envelope-scan.ts';
import { withId, withValue } from '../../protocol/text/message-text.ts';
import type { ConnectionOptions } from '../connection-options.ts';
import { ListComparison } from '../identity/list-comparison.ts';
import { ServerIdentity } from '../identity/server-identity.ts';
import { ServerLists } from '../identity/server-lists.ts';
import { ServerMatch } from '../identity/server-match.ts';
import type { SessionMemory } from '../memory/session-memory.ts';
import type { Journal } from '../observe/journal.ts';
import { worldWatchOf } from '../recovery/world-watch.ts';
import type { SessionKeeper } from '../session/keeper.ts';
import type { Session } from '../session/session.ts';
import { AcceptedRequests } from './accepted-requests.ts';
import { Notifications } from './notifications.ts';
import { ReplayRule } from './replay-rule.ts';
import { RequestLoop } from './request-loop.ts';
import { ResendWatch } from './resend-watch.ts';
import { RetryPolicy } from './retry-policy.ts';
import { ServerRequests } from './server-requests.ts';
import { UnclearAnswers } from './unclear-answers.ts';

/** JSON-RPC's "invalid request". */
const TOO_LONG = -32600;
const TOOLS_CHANGED = 'notifications/tools/list_changed';

/** The messages of a connection, both ways, over as many sessions as it takes. */
export class Requests {
  readonly #options: ConnectionOptions;
  readonly #keeper: SessionKeeper;
  readonly #lists: ServerLists;
  readonly #comparison: ListComparison;
  readonly #loop: RequestLoop;
  readonly #notifications: Notifications;
  readonly #serverRequests = new ServerRequests();

  constructor(options: ConnectionOptions, keeper: SessionKeeper, memory: SessionMemory, journal: Journal) {
    this.#options = options;
    this.#keeper = keeper;
    const { environment, patienceMs, onMessage } = options;
    const { maxUnprovenSessions, attemptTimeoutMs: timeoutMs } = options.recovery;
    const { gate, health, opener, closing } = keeper;
    this.#lists = new ServerLists({ environment, health, catalog: memory.catalog, timeoutMs });
    this.#comparison = new ListComparison(memory, this.#lists, journal, (changed) => onMessage(changed));
    const identity = new ServerIdentity(environment, health, opener, this.#comparison);
    this.#loop = createLoop(options, keeper, memory, journal, this.#lists, identity);
    const maxAttempts = maxUnprovenSessions + 1;
    this.#notifications = new Notifications(gate, health, closing, { patienceMs, maxAttempts });
  }

  /** Sends a request and waits for its answer: see {@link RequestLoop}. */
  run(request: Request): Promise<Response | undefined> {
    return this.#loop.run(request);
  }

  /** Breaks off what has been silent for too long on a session. */
  breakSilent(session: Session): void {
    this.#loop.breakSilent(session);
  }

  /** Sends a notification of the client, on the session that it is about. */
  async notify(notification: Notification): Promise<void> {
    if (notification.method === 'notifications/cancelled') return this.#cancel(notification);
    if (notification.method === 'notifications/progress') {
      // Progress on a request of an old session means nothing to the new one.
      const from = this.#serverRequests.generationOfProgress(tokenOf(notification));
      if (from !== undefined && from !== this.#keeper.gate.state.generation) return;
    }
    return this.#notifications.deliver(notification);
  }

  /** Sends the client's answer to a request of the server, unless the session that asked is gone. */
  async respond(response: Response): Promise<void> {
    const asked = this.#serverRequests.settle(response.id);
    const { session } = this.#keeper;
    if (!session || asked?.generation !== session.generation) return;
    const outcome = await session.wire.notify(
      response.id === asked.id ? response : withId(response, asked.id),
    );
    if (outcome.kind === 'lost') this.#keeper.health.reportLost(session, outcome.because);
  }

  /** Takes in what the server says of its own accord, on the session of a generation. */
  take(message: JSONRPCMessage, generation: number, streamOf: RequestId | undefined): void {
    if (isResponse(message)) {
      // An answer may come on the server's own stream; nobody else waits for one.
      (this.#loop.onWire(message.id as RequestId) ?? this.#keeper.health).answerElsewhere(message);
      return;
    }
    const related = streamOf === undefined ? undefined : this.#loop.onWire(streamOf)?.id;
    if (isRequest(message)) {
      // A request of a session that is gone can't be answered any more.
      if (generation < this.#keeper.gate.state.generation) return;
      const entered = this.#serverRequests.enter(message, generation);
      this.#options.onMessage(entered as JSONRPCMessage, related);
      return;
    }
    const { session } = this.#keeper;
    if (session && message.method === TOOLS_CHANGED) this.#lists.forget(session);
    const told = this.#serverRequests.withdraw(message as Notification, generation);
    this.#options.onMessage(told as JSONRPCMessage, related);
  }

  /** Takes in a message that is too long: an error to the one who waits for it, and to nobody else. */
  takeTooLong({ id, isAnswer }: ScannedMessage, error: ResilientMcpError, generation: number): void {
    const pending = isAnswer && id !== undefined ? this.#loop.onWire(id) : undefined;
    if (pending) {
      pending.refuseElsewhere(error);
      return;
    }
    this.#options.onWarning(error);
    const { session } = this.#keeper;
    if (isAnswer || id === undefined || session?.generation !== generation) return;
    // The server waits for an answer, and nobody else knows of its question.
    void session.wire.notify({ jsonrpc: '2.0', id, error: { code: TOO_LONG, message: error.message } });
  }

  /** Compares the lists of a new session with those that the client knows. Never rejects. */
  compareLists(session: Session): Promise<void> {
    return this.#comparison.compare(session);
  }

  /** Takes back what the server asked on a session that is gone. */
  cancelServerRequests({ generation }: Session): void {
    for (const cancelled of this.#serverRequests.cancel(generation)) {
      this.#options.onMessage(cancelled as JSONRPCMessage);
    }
  }

  /** The client gives a request up: told to the server only if it holds it. */
  async #cancel(notification: Notification): Promise<void> {
    const pending = this.#loop.get(cancelledId(notification) as RequestId);
    if (!pending) return;
    const { session } = pending;
    const isHeld = session?.ended.signal.aborted === false;
    const told = isHeld
      ? session.wire.notify(withValue(notification, ['params', 'requestId'], pending.wireId))
      : undefined;
    // Not only when it was told: a server that takes nothing any more would keep the request for ever.
    pending.cancel();
    await told;
  }
}

function createLoop(
  options: ConnectionOptions,
  keeper: SessionKeeper,
  memory: SessionMemory,
  journal: Journal,
  lists: ServerLists,
  identity: ServerIdentity,
): RequestLoop {
  const { environment, replay, patienceMs, proofAfterMs, resendAfterMs, recovery } = options;
  const { clock, random, newId } = environment;
  const { silenceLimitMs, busyPingMs } = options.keepAlive;
  const { gate, health, replacement } = keeper;
  const rule = new ReplayRule(gate, memory.catalog, lists, replay);
  const { asksWhenUnclear } = options;
  const unclear = new UnclearAnswers({ gate, health, replacement, rule, asksWhenUnclear });
  const policy = new RetryPolicy({
    gate,
    health,
    rule,
    unclear,
    journal,
    clock,
    maxLosses: recovery.maxUnprovenSessions + 1,
    resumeDelayMs: options.streamDelayMs,
    silenceLimitMs,
  });
  return new RequestLoop({
    keeper,
    memory,
    policy,
    rule,
    resend: new ResendWatch(clock, newId, resendAfterMs),
    accepted: new AcceptedRequests(clock, health, busyPingMs),
    match: new ServerMatch({ gate, memory, lists, identity, clock, replay }),
    journal,
    clock,
    world: worldWatchOf(environment),
    newBackOff: () => createBackOff({ ...recovery, random }),
    newId,
    maxPendingRequests: options.limits.maxPendingRequests,
    patienceMs,
    proofAfterMs,
    silenceLimitMs,
    onStream: options.onStream,
  });
}
