import { type BackOff, createBackOff } from '../../base/back-off.ts';
import { type Clock, sleep } from '../../base/environment.ts';
import type { Journal } from '../observe/journal.ts';
import type { Gate } from '../session/gate.ts';
import type { SessionHealth } from '../session/health.ts';
import type { Session } from '../session/session.ts';
import { isUsable } from '../session/state.ts';
import type { ListenOutcome } from '../wire/wire.ts';
import { Heartbeat } from './heartbeat.ts';
import { StreamWatch } from './stream-watch.ts';

/** A stream that was open for so long, in ms, or carried a message, was one; its end is no sign that there is none. */
const LASTING_MS = 3000;

/** The longest wait that a server can ask for before its stream is asked for again, in ms. */
const MAX_RETRY_AFTER_MS = 3_600_000;

export interface GetStreamOptions {
  readonly gate: Gate;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: () => number;
  /** Wait before the stream is opened again after a good end, where the server names none, in ms. */
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  /** The longest wait before a stream that is refused, or ends at once each time, is asked for again, in ms. */
  readonly maxRefusedDelayMs: number;
  readonly health: SessionHealth;
}

/** What is kept of a session's streams from one to the next. */
interface Streams {
  readonly session: Session;
  readonly heartbeat: Heartbeat;
  /** Waits after a server that is away or busy. */
  brief: BackOff;
  /** Waits after a refusal, or an end that came at once. */
  rare: BackOff;
  lastEventId: string | undefined;
  /** Whether the last one ended at once. */
  wasFleeting: boolean;
  /** Whether it was told that there is none. */
  isMissed: boolean;
}

/**
 * Keeps the server's own stream open for as long as a session lives, and notices by it what happens while nobody
 * calls: a server that is killed breaks its stream. One that is refused is asked for again, rarer and rarer, and at once
 * after any sign of life: without it no notification arrives, and nobody would know.
 */
export class GetStream {
  readonly #options: GetStreamOptions;
  readonly #resting = new Set<AbortController>();
  /** Whether this server has ever had a stream to offer. */
  #wasOffered = false;

  constructor(options: GetStreamOptions) {
    this.#options = options;
  }

  /** A sign of life: a stream that is being waited for is asked for now. */
  wake(): void {
    for (const rest of this.#resting) rest.abort();
  }

  /** Runs until the session ends. Never rejects. */
  async keep(session: Session): Promise<void> {
    const { signal } = session.ended;
    const streams: Streams = {
      session,
      heartbeat: new Heartbeat(),
      brief: this.#newBackOff(this.#options.maxDelayMs),
      rare: this.#newBackOff(this.#options.maxRefusedDelayMs),
      lastEventId: undefined,
      wasFleeting: false,
      isMissed: false,
    };
    while (!signal.aborted) {
      const { outcome, isLasting } = await this.#listen(streams);
      if (signal.aborted) return;
      if (outcome.kind === 'resumeRefused') streams.lastEventId = undefined;
      if (isLasting) {
        streams.rare = this.#newBackOff(this.#options.maxRefusedDelayMs);
        streams.wasFleeting = false;
      }
      if (!(await this.#goesOn(streams, outcome, isLasting))) return;
    }
  }

  /** One stream, from its opening to its end. */
  async #listen(streams: Streams): Promise<{ readonly outcome: ListenOutcome; readonly isLasting: boolean }> {
    const { clock, maxDelayMs } = this.#options;
    const { session } = streams;
    const silent = new AbortController();
    let silence: ListenOutcome | undefined;
    const watch = new StreamWatch(clock, streams.heartbeat, (ms) => {
      // A ping that is answered proves another connection, and not this one.
      silence = { kind: 'broken', because: `nothing was heard on it for ${ms} ms`, retryMs: undefined };
      silent.abort();
    });
    const outcome = await session.wire.listen({
      signal: AbortSignal.any([session.ended.signal, silent.signal]),
      lastEventId: streams.lastEventId,
      onOpen: () => {
        this.#wasOffered = true;
        streams.isMissed = false;
        streams.brief = this.#newBackOff(maxDelayMs);
        watch.opened();
        this.#setListening(session, true);
      },
      onHeard: () => {
        session.heardAt = clock.monotonic();
        watch.heard();
      },
      onMessage: () => {
        watch.hasCarried = true;
      },
      onEventId: (id) => {
        streams.lastEventId = id;
      },
    });
    watch.end();
    const ended = silence ?? outcome;
    this.#setListening(session, false, ended);
    return { outcome: ended, isLasting: watch.hasCarried || watch.livedMs >= LASTING_MS };
  }

  /** What to do after a stream has ended, or was refused; false: this server offers none. */
  async #goesOn(streams: Streams, outcome: ListenOutcome, isLasting: boolean): Promise<boolean> {
    const { session, rare, brief } = streams;
    const { clock, health, initialDelayMs } = this.#options;
    const { signal } = session.ended;
    switch (outcome.kind) {
      case 'notOffered':
        if (!this.#miss(streams, outcome.status)) return false;
        await this.#rest(session, rare.next());
        break;
      case 'unclear': {
        // A 404 on the GET proves nothing (claude-code#62198). A ping does.
        await health.check(session);
        if (!this.#isHeld(session)) break;
        if (!this.#miss(streams, outcome.status)) return false;
        await this.#rest(session, rare.next());
        break;
      }
      case 'gone':
        // Nothing can be asked of it any more; what comes next is a new one.
        health.reportUnavailable(session, outcome.because);
        break;
      case 'broken':
        health.reportDisturbed();
        // A server that is killed breaks its stream: ask at once, so that it heals before the next call.
        await health.check(session);
        if (streams.wasFleeting && this.#isHeld(session)) await this.#rest(session, rare.next());
        break;
      case 'unavailable':
        await health.check(session);
        await this.#rest(
          session,
          Math.max(brief.next(), Math.min(outcome.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS)),
        );
        break;
      case 'ended':
        await this.#rest(session, outcome.retryMs ?? (isLasting ? initialDelayMs : rare.next()));
        break;
      default:
        await sleep(clock, initialDelayMs, signal);
    }
    streams.wasFleeting = !isLasting;
    return this.#whileCurrent(session);
  }

  /** Tells that there is no stream now; false: there will be none. */
  #miss(streams: Streams, status: number): boolean {
    const { session } = streams;
    const { generation } = session;
    if (!streams.isMissed) this.#options.journal.record({ kind: 'streamNotOffered', generation, status });
    streams.isMissed = true;
    if (!this.#wasOffered) session.stream = 'none';
    // 405 and 501 say that there is none; 404, 400 and a page say so of one that was never there.
    const isFinal = status === 405 || status === 501;
    return !isFinal && (this.#wasOffered || status === 403 || status >= 500);
  }

  /** Waits, but for a sign of life no longer. */
  async #rest(session: Session, ms: number): Promise<void> {
    const rest = new AbortController();
    this.#resting.add(rest);
    await sleep(this.#options.clock, ms, AbortSignal.any([session.ended.signal, rest.signal]), {
      background: true,
    });
    this.#resting.delete(rest);
  }

  /** Waits out an outage; true when this same session came back from it. */
  async #whileCurrent(session: Session): Promise<boolean> {
    const { gate } = this.#options;
    const { signal } = session.ended;
    while (gate.isCurrent(session) && !isUsable(gate.state) && !signal.aborted) await gate.changed(signal);
    return gate.isCurrent(session) && !signal.aborted;
  }

  /** Whether requests go out on it. */
  #isHeld(session: Session): boolean {
    const { gate } = this.#options;
    return gate.isCurrent(session) && isUsable(gate.state);
  }

  #setListening(session: Session, listening: boolean, outcome?: ListenOutcome): void {
    if (session.listening === listening) return;
    session.stream = listening ? 'open' : 'awaited';
    const { generation } = session;
    if (listening) this.#options.journal.record({ kind: 'streamOpened', generation });
    else {
      const reason = outcome && 'because' in outcome ? outcome.because : (outcome?.kind ?? 'ended');
      this.#options.journal.record({ kind: 'streamEnded', generation, reason });
    }
  }

  #newBackOff(maxDelayMs: number): BackOff {
    const { initialDelayMs, random } = this.#options;
    return createBackOff({ initialDelayMs, maxDelayMs: Math.max(initialDelayMs, maxDelayMs), random });
  }
}
