import type { PlayableFact } from './read-recording.ts';

/** What a server did over one connection, in order, as far as it can be done again. Plain data; times in ms. */
export interface Screenplay {
  readonly server: { readonly name: string; readonly version: string };
  /** Tools that were called. `repeatable`: a call of it that was cut off was made again. */
  readonly tools: readonly { readonly name: string; readonly repeatable: boolean }[];
  /** Methods that were answered. */
  readonly methods: readonly string[];
  readonly acts: readonly Act[];
}

/** Which message an act is about; without a method any. */
export interface Addressee {
  readonly method?: string | undefined;
  readonly tool?: string | undefined;
  /** A GET that takes up the stream of such a message. */
  readonly resuming?: boolean;
}

export type Act =
  /** `initialize` was answered: a session, until the next of its kind. */
  | OpenAct
  | (AnswerAct & Timed)
  | (RefuseAct & Timed)
  | (CutAct & Timed)
  /** The server ended, or cut, its own stream, unasked. */
  | ({ readonly kind: 'endStream'; readonly how: 'end' | 'cut' } & Timed)
  /** Nobody listened. `holding`: what was under way when that began, and for how long. */
  | ({ readonly kind: 'away'; readonly forMs: number; readonly holding: readonly Held[] } & Timed);

/** When it happened, from the first fact on. */
interface Timed {
  readonly atMs: number;
}

export interface OpenAct extends Timed {
  readonly kind: 'open';
  readonly generation: number;
  readonly stateless: boolean;
  readonly protocolVersion: string;
  readonly latencyMs: number;
  /** What a GET was answered: its stream, or a status. */
  stream: 'open' | number;
  /** What DELETE is answered. */
  end: 200 | 405;
}

export interface AnswerAct extends Addressee {
  readonly kind: 'answer';
  readonly method: string;
  readonly error?: number | undefined;
  readonly latencyMs: number;
}

export interface RefuseAct extends Addressee {
  readonly kind: 'refuse';
  readonly status: number;
  /** What the server said; empty when nothing. */
  readonly words: string;
  readonly latencyMs: number;
  /** The session is gone with it. */
  loses: boolean;
}

export interface CutAct extends Addressee {
  readonly kind: 'cut';
  readonly method: string | undefined;
  /** Whether the head of the answer had come. */
  readonly afterHead: boolean;
  /** Whether an event id had come too. */
  readonly resumable: boolean;
  readonly latencyMs: number;
}

export interface Held extends Addressee {
  readonly afterHead: boolean;
  readonly latencyMs: number;
}

/** In the making: an exchange that met nobody becomes part of an `away`. */
type Draft = Act | ({ readonly kind: 'unreachable' } & Timed);

/** Length of an absence whose end was not recorded, in ms. */
const NOT_BACK_MS = 2000;

/** Makes of the facts of one connection what a server has to do for them to happen again. Pure. */
export function screenplayOf(facts: readonly PlayableFact[]): Screenplay {
  const writer = new Writer(facts[0]?.at ?? 0);
  for (const fact of facts) writer.take(fact);
  const server = facts.find((fact) => fact.kind === 'sessionOpened')?.server ?? 'replay 1';
  const [name = 'replay', version = '1'] = /^(.*?)\s+(\S+)$/s.exec(server)?.slice(1) ?? [server];
  const methods = facts.flatMap((fact) => (fact.kind === 'requestAnswered' ? [fact.method] : []));
  return {
    server: { name, version },
    tools: toolsIn(facts),
    methods: [...new Set(methods)],
    acts: withAbsences(writer.drafts),
  };
}

class Writer {
  readonly drafts: Draft[] = [];
  readonly #start: number;
  #open: OpenAct | undefined;
  /** Since when requests could be answered again: what a request waited before is no latency of its answer. */
  #goodSince = 0;
  #isReset = false;

  constructor(start: number) {
    this.#start = start;
  }

  take(fact: PlayableFact): void {
    const atMs = Math.max(0, fact.at - this.#start);
    // What was said of a session that had been replaced is about its id alone, and follows from its loss.
    if (fact.generation < (this.#open?.generation ?? 0)) return;
    const draft = this.#draftOf(fact, atMs);
    if (draft) this.drafts.push(draft);
  }

  #draftOf(fact: PlayableFact, atMs: number): Draft | undefined {
    switch (fact.kind) {
      case 'sessionOpened':
        return this.#opened(fact, atMs);
      case 'sessionResumed':
        return this.#opened({ ...RESUMED, generation: fact.generation }, atMs);
      case 'requestAnswered': {
        const { kind: _, generation: _of, at: _at, durationMs, ...about } = fact;
        const latencyMs = Math.max(0, Math.min(durationMs, atMs - this.#goodSince));
        return { kind: 'answer', atMs, ...about, latencyMs };
      }
      case 'exchangeFailed':
        this.#openUnkept(fact, atMs);
        return failureOf(fact, atMs);
      case 'sessionLost':
        return this.#lost(atMs);
      case 'streamEnded':
        // `aborted` was the client's own doing.
        if (fact.reason === 'aborted') return undefined;
        return { kind: 'endStream', atMs, how: fact.reason === 'ended' ? 'end' : 'cut' };
      default:
        this.#note(fact, atMs);
        return undefined;
    }
  }

  /** What is no act by itself, and says something of one. */
  #note(fact: PlayableFact, atMs: number): void {
    if (fact.kind === 'resetRequested') this.#isReset = true;
    if (fact.kind === 'sessionReplaced' || fact.kind === 'serverAnswered') this.#goodSince = atMs;
    if (!this.#open) return;
    if (fact.kind === 'streamOpened') this.#open.stream = 'open';
    if (fact.kind === 'streamNotOffered') this.#open.stream = fact.status;
    if (fact.kind === 'sessionEnded' && fact.outcome === 'not offered') this.#open.end = 405;
  }

  #opened(fact: Omit<FactOf<'sessionOpened'>, 'at' | 'kind'>, atMs: number): OpenAct {
    this.#isReset = false;
    this.#goodSince = atMs;
    this.#open = {
      kind: 'open',
      atMs,
      generation: fact.generation,
      stateless: fact.session === undefined,
      protocolVersion: fact.protocolVersion,
      latencyMs: fact.durationMs,
      stream: 'open',
      end: 200,
    };
    return this.#open;
  }

  /** A new session that refused the end of its own handshake was never told of as opened. */
  #openUnkept({ method, generation }: FactOf<'exchangeFailed'>, atMs: number): void {
    const { generation: current = 0, protocolVersion = RESUMED.protocolVersion } = this.#open ?? {};
    if (method !== INITIALIZED || generation <= current) return;
    this.drafts.push(this.#opened({ ...RESUMED, generation: current, protocolVersion }, atMs));
  }

  /** The last refusal was how the client came to know it; a program, or what was not recorded, is played by 404. */
  #lost(atMs: number): Draft | undefined {
    if (this.#isReset) return undefined;
    const opened = this.drafts.lastIndexOf(this.#open as Draft);
    const refusal = this.drafts.slice(opened + 1).findLast((draft) => draft.kind === 'refuse');
    if (!refusal)
      return { kind: 'refuse', atMs, status: 404, words: 'Session not found', latencyMs: 0, loses: true };
    refusal.loses = true;
    return undefined;
  }
}

type FactOf<Kind extends PlayableFact['kind']> = Extract<PlayableFact, { kind: Kind }>;

function failureOf(fact: FactOf<'exchangeFailed'>, atMs: number): Draft | undefined {
  const { method, tool, resuming, outcome, status, reason, resumable, durationMs: latencyMs } = fact;
  const about = { method, tool, resuming, latencyMs, atMs };
  if (outcome === 'broken') return { kind: 'cut', ...about, afterHead: status !== undefined, resumable };
  if (status === undefined) return outcome === 'unavailable' ? { kind: 'unreachable', atMs } : undefined;
  const words = reason.startsWith(`${status}: `) ? reason.slice(`${status}: `.length) : '';
  return { kind: 'refuse', ...about, status, words, loses: outcome === 'lost' || method === INITIALIZED };
}

const INITIALIZED = 'notifications/initialized';

const RESUMED = { session: '…', protocolVersion: '2025-11-25', server: '', durationMs: 0 };

/**
 * Every exchange that met nobody, what broke right before, and what follows until somebody answers, is one absence: a
 * server that is killed breaks all that is under way, and then refuses connections.
 */
function withAbsences(drafts: readonly Draft[]): Act[] {
  const acts: Act[] = [];
  for (let index = 0; index < drafts.length; ) {
    const end = endOfDisruption(drafts, index);
    const disruption = drafts.slice(index, end);
    if (disruption.some(({ kind }) => kind === 'unreachable')) {
      acts.push(absence(disruption, drafts[end]));
      index = end;
    } else {
      const [draft] = drafts.slice(index);
      if (draft && draft.kind !== 'unreachable') acts.push(draft);
      index += 1;
    }
  }
  return acts;
}

/** The index behind everything from `start` on that a server which is not there can do. */
function endOfDisruption(drafts: readonly Draft[], start: number): number {
  let end = start;
  const isDisruption = (draft: Draft | undefined) =>
    draft?.kind === 'unreachable' ||
    draft?.kind === 'cut' ||
    (draft?.kind === 'endStream' && draft.how === 'cut');
  while (isDisruption(drafts[end])) end += 1;
  return end;
}

function absence(disruption: readonly Draft[], next: Draft | undefined): Act {
  const from = disruption[0]?.atMs ?? 0;
  const until = next?.atMs ?? (disruption.at(-1)?.atMs ?? 0) + NOT_BACK_MS;
  const holding = disruption.flatMap((draft): Held[] => {
    // A ping that breaks asks after what is wrong already; it is not what was under way.
    if (draft.kind !== 'cut' || draft.method === 'ping') return [];
    const { method, tool, resuming = false, afterHead, latencyMs } = draft;
    return [{ method, tool, resuming, afterHead, latencyMs }];
  });
  return { kind: 'away', atMs: from, forMs: until - from, holding };
}

function toolsIn(facts: readonly PlayableFact[]): Screenplay['tools'] {
  const repeatable = new Map<string, boolean>();
  for (const [index, fact] of facts.entries()) {
    if (!('tool' in fact) || fact.tool === undefined) continue;
    const { tool } = fact;
    if (!repeatable.has(tool)) repeatable.set(tool, false);
    const wasCut = fact.kind === 'exchangeFailed' && fact.outcome === 'broken' && !fact.resumable;
    if (wasCut && nextOf(facts, index, tool) === 'requestReplayed') repeatable.set(tool, true);
  }
  return [...repeatable].map(([name, is]) => ({ name, repeatable: is }));
}

/** What was made of a call that was cut off. */
function nextOf(
  facts: readonly PlayableFact[],
  index: number,
  tool: string,
): PlayableFact['kind'] | undefined {
  return facts
    .slice(index + 1)
    .find(
      (fact) =>
        (fact.kind === 'requestReplayed' || fact.kind === 'outcomeUnknown') &&
        'tool' in fact &&
        fact.tool === tool,
    )?.kind;
}
