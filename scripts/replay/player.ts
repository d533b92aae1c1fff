import type { Clock } from '../../src/base/environment.ts';
import { eventText } from '../../src/protocol/events/event-text.ts';
import {
  addresseeOf,
  answer,
  isSame,
  JSON_HEADERS,
  type PlayedMessage,
  type PlayedReply,
  type PlayedRequest,
  refused,
  STREAM_HEADERS,
} from './played-replies.ts';
import { playedResult } from './played-results.ts';
import type { Act, Addressee, AnswerAct, CutAct, OpenAct, RefuseAct, Screenplay } from './screenplay.ts';

/** Actions of the server besides answers. */
export interface Stage {
  /** Breaks every connection, and refuses new ones for this time in ms. */
  readonly goAway: (ms: number) => void;
  /** Ends, or cuts, the server's own streams. */
  readonly endStreams: (how: 'end' | 'cut') => void;
}

export interface PlayerOptions {
  readonly clock: Clock;
  readonly newId: () => string;
  readonly stage: Stage;
  /** Speed factor: latencies, absences and pauses are divided by it. Default 1. */
  readonly speed?: number;
  /**
   * When what went wrong goes wrong again: after as many answered `calls` (default), or after as much `time` from the
   * opening of the session.
   */
  readonly pace?: 'calls' | 'time';
  /** Called with a description of each act played. */
  readonly onAct?: (words: string) => void;
}

type Cue = Exclude<Act, AnswerAct>;

/** The answer to an unknown session id, before the recording has shown another. */
const UNKNOWN: Pick<RefuseAct, 'status' | 'words'> = { status: 404, words: 'Session not found' };

/**
 * Does again, for whatever client comes, what a server did for one: the same sessions are lost at the same points, in
 * the same words, connections break, the server is away. What was not recorded is answered well: results hold nothing of
 * those that were given then.
 */
export class Player {
  readonly #play: Screenplay;
  readonly #options: Required<Omit<PlayerOptions, 'onAct'>> & Pick<PlayerOptions, 'onAct'>;
  /** Index of the first act not yet played. */
  #at = 0;
  /** The answers that were given before the next act of another kind. */
  #expected: AnswerAct[] = [];
  #session: { readonly id: string | undefined; readonly open: OpenAct; readonly since: number } | undefined;
  #refusal: Pick<RefuseAct, 'status' | 'words'> = UNKNOWN;
  /** By the event id that stands before it: an answer whose stream was cut. */
  readonly #cutOff = new Map<string, string>();
  #cancel: () => void = () => {};
  #eventIds = 0;

  constructor(play: Screenplay, options: PlayerOptions) {
    this.#play = play;
    this.#options = { speed: 1, pace: 'calls', ...options };
  }

  /** The reply to a request. */
  reply(request: PlayedRequest): PlayedReply {
    const { verb, message } = request;
    if (verb === 'POST' && message?.method === 'initialize') return this.#initialize(message);
    if (!this.#isKnown(request.sessionId)) return this.#refused(request, this.#refusal, 0);
    const about = addresseeOf(request);
    const played = this.#cued(request, about);
    if (played) return played;
    if (verb === 'DELETE') return this.#deleted();
    if (verb === 'GET') return this.#stream(request.lastEventId);
    if (message?.method === undefined || message.id === undefined) return answer(202, {}, '', 0);
    return this.#answered(message, about);
  }

  /** Cancels all timers: no further act is played by itself. */
  stop(): void {
    this.#cancel();
  }

  #isKnown(id: string | undefined): boolean {
    return this.#session !== undefined && this.#session.id === id;
  }

  /** The act that is due next, if nothing is to come before it. */
  get #cue(): Cue | undefined {
    const act = this.#play.acts[this.#at];
    return act?.kind === 'answer' ? undefined : act;
  }

  /** Opens the session that was opened next, unless that was refused first. */
  #initialize(message: PlayedMessage): PlayedReply {
    for (let index = this.#at; index < this.#play.acts.length; index += 1) {
      const act = this.#play.acts[index];
      if (act?.kind === 'open') return this.#opened(message, act, index);
      if (act?.kind === 'away') {
        this.#goTo(index);
        this.#goAway(act.forMs);
        return { kind: 'hold', afterHead: false };
      }
      if ((act?.kind === 'refuse' || act?.kind === 'cut') && act.method === 'initialize') {
        this.#goTo(index);
        return this.#played({ verb: 'POST', message }, act);
      }
    }
    const last = this.#play.acts.findLast((act) => act.kind === 'open');
    return last
      ? this.#opened(message, last, this.#play.acts.length)
      : this.#refused({ verb: 'POST', message }, UNKNOWN, 0);
  }

  #opened(message: PlayedMessage, open: OpenAct, index: number): PlayedReply {
    const id = open.stateless ? undefined : this.#options.newId();
    this.#session = { id, open, since: this.#options.clock.monotonic() };
    this.#tell(`session ${open.generation} opened`);
    const { protocolVersion, latencyMs } = open;
    this.#goTo(index + 1, latencyMs);
    const result = playedResult(this.#play, 'initialize', { ...message.params, protocolVersion });
    const headers = { ...JSON_HEADERS, ...(id !== undefined && { 'mcp-session-id': id }) };
    return answer(
      200,
      headers,
      JSON.stringify({ jsonrpc: '2.0', id: message.id, ...result }),
      this.#scaled(latencyMs),
    );
  }

  /** What went wrong with such a request, if that is due. */
  #cued(request: PlayedRequest, about: Addressee): PlayedReply | undefined {
    while (this.#isDue && this.#cue?.kind === 'endStream') this.#endStreams(this.#cue.how);
    const cue = this.#isDue ? this.#cue : undefined;
    if (cue?.kind === 'away') return this.#held(cue, about);
    if (cue?.kind !== 'refuse' && cue?.kind !== 'cut') return undefined;
    // Whatever request comes first finds out that its session is gone.
    const isFirst = cue.kind === 'refuse' && cue.loses && request.message?.id !== undefined;
    return isFirst || isSame(cue, about) ? this.#played(request, cue) : undefined;
  }

  /** A request that was under way when the server went away. */
  #held({ holding, forMs }: Extract<Act, { kind: 'away' }>, about: Addressee): PlayedReply | undefined {
    const held = holding.find((each) => isSame(each, about));
    if (!held) return undefined;
    this.#cancel();
    this.#cancel = this.#after(held.latencyMs, () => this.#goAway(forMs));
    return { kind: 'hold', afterHead: held.afterHead };
  }

  #played(request: PlayedRequest, act: RefuseAct | CutAct): PlayedReply {
    this.#goTo(this.#at + 1, act.latencyMs);
    const what = [act.method ?? request.verb, act.tool].filter(Boolean).join(' ');
    if (act.kind === 'cut') {
      this.#tell(`${what} cut off${act.afterHead ? ' in the middle of its answer' : ''}`);
      return this.#cutOffAnswer(request, act);
    }
    this.#tell(`${what} refused: ${act.status}${act.loses ? ', the session is lost' : ''}`);
    if (act.loses) {
      this.#session = undefined;
      this.#refusal = act;
    }
    return this.#refused(request, act, act.latencyMs);
  }

  #cutOffAnswer({ message }: PlayedRequest, act: CutAct): PlayedReply {
    const delayMs = this.#scaled(act.latencyMs);
    if (!act.afterHead) return { kind: 'cut', start: undefined, delayMs };
    if (!act.resumable || message?.method === undefined) return { kind: 'cut', start: '', delayMs };
    this.#eventIds += 1;
    const eventId = `replay-${this.#eventIds}`;
    const result = playedResult(this.#play, message.method, message.params);
    this.#cutOff.set(eventId, JSON.stringify({ jsonrpc: '2.0', id: message.id, ...result }));
    return { kind: 'cut', start: `id: ${eventId}\ndata:\n\n`, delayMs };
  }

  #refused(
    { message }: PlayedRequest,
    refusal: Pick<RefuseAct, 'status' | 'words'>,
    latencyMs: number,
  ): PlayedReply {
    return refused(message?.id, refusal, this.#scaled(latencyMs));
  }

  #deleted(): PlayedReply {
    const end = this.#session?.open.end ?? 200;
    if (end === 200) this.#session = undefined;
    return answer(end, {}, '', 0);
  }

  #stream(lastEventId: string | undefined): PlayedReply {
    const kept = lastEventId === undefined ? undefined : this.#cutOff.get(lastEventId);
    if (kept !== undefined) return answer(200, STREAM_HEADERS, eventText(kept), 0);
    const stream = this.#session?.open.stream ?? 405;
    return stream === 'open' ? { kind: 'stream', headers: STREAM_HEADERS } : answer(stream, {}, '', 0);
  }

  #answered(message: PlayedMessage, about: Addressee): PlayedReply {
    const index = this.#expected.findIndex((act) => isSame(act, about));
    const [act] = index < 0 ? [] : this.#expected.splice(index, 1);
    if (act && this.#expected.length === 0) this.#await(act.latencyMs);
    const result =
      act?.error === undefined
        ? playedResult(this.#play, message.method ?? '', message.params)
        : { error: { code: act.error, message: 'An error was answered here.' } };
    const body = JSON.stringify({ jsonrpc: '2.0', id: message.id, ...result });
    return answer(200, JSON_HEADERS, body, this.#scaled(act?.latencyMs ?? 0));
  }

  /** Goes on behind what was played or passed over. @param answerMs until that is answered, as recorded */
  #goTo(index: number, answerMs?: number): void {
    this.#cancel();
    const { acts } = this.#play;
    const next = acts.findIndex((act, each) => each >= index && act.kind !== 'answer');
    const end = next < 0 ? acts.length : next;
    this.#expected = acts.slice(index, end).filter((act) => act.kind === 'answer');
    this.#at = end;
    if (end === acts.length && index < acts.length)
      this.#tell('the recording is over: everything is answered from here on');
    this.#await(answerMs);
  }

  /** Whether all that came before the next act has come. */
  get #isDue(): boolean {
    return this.#options.pace === 'calls' ? this.#expected.length === 0 : this.#timeLeft() <= 0;
  }

  /**
   * Sees to it that the next act is played, if it needs no request.
   * @param answerMs until the answer before it is sent, as recorded; undefined where none is
   */
  #await(answerMs?: number): void {
    const cue = this.#cue;
    const byTime = this.#options.pace === 'time';
    if ((!byTime && this.#expected.length > 0) || (cue?.kind !== 'endStream' && cue?.kind !== 'away')) return;
    if (cue.kind === 'away' && cue.holding.length > 0 && !byTime) return;
    const play = () => (cue.kind === 'away' ? this.#goAway(cue.forMs) : this.#endStreams(cue.how));
    if (byTime) {
      this.#cancel = this.#options.clock.after(Math.max(0, this.#timeLeft()), play);
      return;
    }
    // In another millisecond than the answer: timers that are due in one fire in the order in which they were set.
    const answeredMs = answerMs === undefined ? 0 : Math.ceil(this.#scaled(answerMs)) + 1;
    this.#cancel = this.#options.clock.after(answeredMs + this.#scaled(this.#pauseBefore(cue)), play);
  }

  /** How long nothing happened before an act, in ms as recorded. */
  #pauseBefore({ atMs }: Cue): number {
    const before = this.#play.acts[this.#at - 1];
    const endedMs = before ? before.atMs + (before.kind === 'away' ? before.forMs : 0) : atMs;
    return Math.max(0, atMs - endedMs);
  }

  /** Time until the next act by the clock, in ms. */
  #timeLeft(): number {
    const { clock } = this.#options;
    const [cue, session] = [this.#cue, this.#session];
    if (!cue || !session) return 0;
    return session.since + this.#scaled(Math.max(0, cue.atMs - session.open.atMs)) - clock.monotonic();
  }

  #goAway(forMs: number): void {
    this.#tell(`nobody listens for ${Math.round(this.#scaled(forMs))} ms`);
    this.#options.stage.goAway(this.#scaled(forMs));
    this.#goTo(this.#at + 1);
  }

  #endStreams(how: 'end' | 'cut'): void {
    this.#tell(`the server's own stream ${how === 'end' ? 'ended' : 'cut off'}`);
    this.#options.stage.endStreams(how);
    this.#goTo(this.#at + 1);
  }

  #after(ms: number, act: () => void): () => void {
    return this.#options.clock.after(Math.max(0, this.#scaled(ms)), act);
  }

  #scaled(ms: number): number {
    return ms / this.#options.speed;
  }

  #tell(words: string): void {
    this.#options.onAct?.(words);
  }
}
