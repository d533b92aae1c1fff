import type { Clock } from '../../base/environment.ts';
import { ResilientMcpError } from '../../protocol/errors.ts';
import { shortened } from '../../protocol/http/secrets.ts';
import type { Request, Response } from '../../protocol/message.ts';
import type { SessionMemory, StoredSession } from '../memory/session-memory.ts';
import type { Journal } from '../observe/journal.ts';
import type { AttemptResult } from '../recovery/attempt.ts';
import { adviceOn } from '../wire/http/network-error.ts';
import type { OpenOutcome, Wire } from '../wire/wire.ts';
import { type Gate, pausedError, type Waiter } from './gate.ts';
import type { SessionHealth } from './health.ts';
import { openingFailure } from './opening-failure.ts';
import { Session } from './session.ts';
import type { SessionOpener } from './session-opener.ts';
import { isHealing, nextAttempt } from './state.ts';

/** The first `initialize`, and what came of it. */
interface FirstConnect {
  readonly request: Request;
  answer?: Response;
  error?: ResilientMcpError | undefined;
  /** What the network answered in the place of the server. */
  cause?: unknown;
}

/** A session of an earlier connection, and the way to it. */
export interface HeldSession {
  readonly state: StoredSession;
  readonly wire: Wire;
}

export interface FirstSessionOptions {
  readonly gate: Gate;
  readonly opener: SessionOpener;
  readonly memory: SessionMemory;
  readonly health: SessionHealth;
  readonly journal: Journal;
  readonly clock: Clock;
  /** Aborted when the connection closes. */
  readonly closing: AbortSignal;
  readonly connectPatienceMs: number;
}

/** How a connection comes by its first session: by the client's `initialize`, or by going on with an earlier one. */
export class FirstSession {
  readonly #options: FirstSessionOptions;
  #first: FirstConnect | undefined;

  constructor(options: FirstSessionOptions) {
    this.#options = options;
  }

  /** Whether the first session is wanted until the connection is closed, whatever the reason for a refusal. */
  get isForEver(): boolean {
    return !Number.isFinite(this.#options.connectPatienceMs);
  }

  /**
   * Opens the first session with the client's own `initialize`, whose answer is the server's own.
   * @throws ResilientMcpError what the server refused it with, or `SERVER_UNAVAILABLE` after `connectPatienceMs`
   */
  async connect(initialize: Request): Promise<Response> {
    const { gate } = this.#options;
    const first: FirstConnect = { request: initialize };
    if (gate.state.kind === 'paused') throw pausedError();
    this.#begin(initialize);
    this.#first = first;
    gate.apply({ kind: 'started' });
    const opened = gate.ready(this.#waiter(Number.POSITIVE_INFINITY));
    await (this.isForEver ? opened : Promise.race([opened, this.#untilDown()]));
    if (first.answer) return first.answer;
    throw first.error ?? this.#unavailable();
  }

  /**
   * Takes over from an earlier connection: the client was initialized before, and its requests may come at once.
   * A session that the earlier one held goes on, if a `ping` shows that it is still there. If the server knows it no
   * more it is replaced like any other that is lost: by the handshake, and with all that it had.
   * @throws ResilientMcpError `SERVER_UNAVAILABLE` after `connectPatienceMs`, or when an attempt that is under way then
   *   has failed; attempts go on
   */
  async takeOver(initialize: Request, held?: HeldSession): Promise<Response> {
    const { gate, memory } = this.#options;
    const { handshake, catalog } = memory;
    this.#begin(initialize);
    handshake.initialized = true;
    catalog.hasGaps = true;
    gate.apply({ kind: 'started' });
    if (held && gate.state.kind === 'paused') {
      memory.restore(held.state);
    } else if (held) await this.#resume(initialize, held);
    await this.#untilTakenOver();
    return { jsonrpc: '2.0', id: initialize.id, result: handshake.answer ?? {} };
  }

  /** One attempt at the first session; undefined when that is not what is wanted. */
  async attempt(signal: AbortSignal): Promise<AttemptResult | undefined> {
    const { gate, opener } = this.#options;
    const first = this.#first;
    if (gate.state.generation > 0 || !first) return undefined;
    const { outcome, session } = await opener.first(first.request, signal);
    if (session && outcome.kind === 'opened') {
      first.answer = outcome.response;
      return { kind: 'opened', session };
    }
    return this.#failure(first, outcome);
  }

  async #resume(initialize: Request, { state, wire }: HeldSession): Promise<void> {
    const { gate, memory, health, journal, clock } = this.#options;
    memory.handshake.learn({ jsonrpc: '2.0', id: initialize.id, result: state.server });
    memory.restore(state);
    const session = new Session(1, wire, state, clock, true);
    session.server = memory.handshake.server;
    // It may have been lost while nobody held it: no sign of a server that does not keep its sessions.
    session.disturbed = true;
    gate.open(session);
    if ((await health.probeBriefly(session)).kind !== 'alive') return;
    session.proven = true;
    journal.record({ kind: 'sessionResumed', generation: 1, session: shortened(state.sessionId) });
  }

  #begin(initialize: Request): void {
    const { gate, memory } = this.#options;
    if (gate.state.kind !== 'idle' && gate.state.kind !== 'paused') {
      throw new ResilientMcpError('INVALID_STATE', 'This connection was initialized before.', {
        advice: 'Connect a new client with a new transport.',
      });
    }
    memory.handshake.remember(initialize);
  }

  /** A first handshake that was refused is the client's to know, at once; one that met nobody yet is tried again. */
  #failure(first: FirstConnect, outcome: OpenOutcome): AttemptResult {
    if (outcome.kind === 'opened') throw new TypeError('an opened session is no failure');
    const isRefused = outcome.kind === 'refused' || outcome.kind === 'failed';
    // A client that connects for ever is not told; the connection is down, says why, and goes on trying.
    if (!this.isForEver && outcome.kind === 'refused') first.answer = outcome.response as Response;
    // Tried again or not, these are the last words of the server.
    first.error = this.isForEver ? undefined : wordsOf(outcome);
    first.cause = 'cause' in outcome ? outcome.cause : undefined;
    return { ...openingFailure(outcome), final: isRefused && !isOfAStart(outcome) };
  }

  /** As long as the patience lasts. A handshake that is on its way is waited for: to try it again would be another one. */
  async #untilTakenOver(): Promise<void> {
    const { gate } = this.#options;
    const waiter = this.#waiter(this.#options.connectPatienceMs);
    for (;;) {
      try {
        await gate.ready(waiter);
        return;
      } catch (error) {
        const { state } = gate;
        const opens = isHealing(state) && nextAttempt(state) === 'open' && state.nextAttemptAt === undefined;
        if (!opens) throw error;
        await gate.changed(this.#options.closing);
      }
    }
  }

  async #untilDown(): Promise<void> {
    const { gate } = this.#options;
    while (gate.state.kind === 'connecting') await gate.changed(this.#options.closing);
  }

  #waiter(patienceMs: number): Waiter {
    return { signal: this.#options.closing, patienceMs, triggeredAttempt: false };
  }

  #unavailable(): ResilientMcpError {
    const { state } = this.#options.gate;
    if (state.kind === 'paused') return pausedError();
    if (!isHealing(state)) return new ResilientMcpError('CONNECTION_CLOSED', 'The connection was closed.');
    if (state.failure === 'SERVER_NOT_STARTED') return new ResilientMcpError(state.failure, state.trouble);
    return new ResilientMcpError(state.failure, `The server could not be reached: ${state.trouble}`, {
      cause: this.#first?.cause,
      advice: adviceOn(this.#first?.cause) ?? 'Is the server running, and is the address right?',
    });
  }
}

/** What a server answered the first `initialize` with, as the error of its caller; undefined where none answered. */
function wordsOf(outcome: OpenOutcome): ResilientMcpError | undefined {
  if (outcome.kind === 'failed') return outcome.error;
  if (outcome.kind !== 'unavailable' || outcome.status === undefined) return undefined;
  const { because, status, cause } = outcome;
  return new ResilientMcpError('SERVER_UNAVAILABLE', `The server answered ${because}.`, { status, cause });
}

/**
 * Whether a refusal is one of a server that is about to start, or of what stands before it: 500, or a page in place of an
 * answer. Nothing ran, so it may be asked again. Of an edge that does not reach its origin the status says so itself.
 */
function isOfAStart(outcome: OpenOutcome): boolean {
  if (outcome.kind !== 'failed') return false;
  const { status = 0, body = '' } = outcome.error;
  if (status >= 400 && status < 500) return false;
  return status === 500 || /^\s*</.test(body);
}
