import type { HubFact, NumberedFact } from '../../src/hub/facts.ts';

/** The moment at which the stories end. */
const NOW = Date.UTC(2026, 10, 22, 12);

const TOOLS = ['search_issues', 'get_file_contents', 'create_branch', 'query', 'list_tables'];
const CONNECTIONS: readonly Pick<HubFact, 'server' | 'client'>[] = [
  { server: 'github' },
  { server: 'github', client: 1 },
  { server: 'postgres' },
  { server: 'docs', client: 1 },
];

export interface StoryOptions {
  /** How many facts. */
  readonly facts: number;
  /** Over how long, in ms. Default ten minutes. */
  readonly spanMs?: number;
  readonly seed?: number;
  readonly now?: number;
}

/** Facts as a fleet with trouble tells them: the same for the same options. Mostly calls, and all kinds of trouble. */
export function story({ facts, spanMs = 600_000, seed = 1, now = NOW }: StoryOptions): NumberedFact[] {
  const random = generator(seed);
  const told: NumberedFact[] = [];
  const tellers = CONNECTIONS.map((connection) => new Teller(connection, random));
  for (let n = 0; n < facts; n++) {
    const at = now - spanMs + Math.floor((n / facts) * spanMs);
    const teller = tellers[Math.floor(random() ** 2 * tellers.length)] ?? tellers[0];
    if (teller) told.push({ seq: n + 1, at, ...teller.next() });
  }
  return told;
}

/** One connection, from the opening of its first session on. */
class Teller {
  readonly #connection: Pick<HubFact, 'server' | 'client'>;
  readonly #random: () => number;
  #generation = 0;
  /** What has to follow what was told last. */
  #pending: HubFact['fact'][] = [];

  constructor(connection: Pick<HubFact, 'server' | 'client'>, random: () => number) {
    this.#connection = connection;
    this.#random = random;
  }

  next(): Omit<HubFact, 'at'> {
    return { ...this.#connection, fact: this.#pending.shift() ?? this.#fact() };
  }

  #fact(): HubFact['fact'] {
    if (this.#generation === 0) return this.#opened();
    const generation = this.#generation;
    const chance = this.#random();
    if (chance < 0.006) return this.#lost();
    if (chance < 0.01) return this.#outage();
    if (chance < 0.015) {
      const reason = 'Tool query failed: syntax error at or near "FORM"';
      return { kind: 'requestFailed', generation, ...this.#tool(), code: 'SERVER_ERROR', reason };
    }
    if (chance < 0.018) return { kind: 'serverWrote', generation, text: 'warning: the cache is full' };
    if (chance < 0.02) return { kind: 'streamEnded', generation, reason: 'the server closed it' };
    const durationMs = 3 + 40 * -Math.log(1 - this.#random()) + (this.#random() < 0.02 ? 1500 : 0);
    return { kind: 'requestAnswered', generation, ...this.#tool(), durationMs };
  }

  #tool() {
    const tool = TOOLS[Math.floor(this.#random() * TOOLS.length)];
    return { method: 'tools/call', tool };
  }

  #opened(): HubFact['fact'] {
    this.#generation++;
    const generation = this.#generation;
    const { server } = this.#connection;
    this.#pending.push({ kind: 'toolsListed', generation, tools: 12 });
    const session = '3f2a9c1b…';
    return {
      kind: 'sessionOpened',
      generation,
      session,
      protocolVersion: '2025-11-25',
      server,
      durationMs: 42,
    };
  }

  #lost(): HubFact['fact'] {
    const previous = this.#generation;
    const evidence = '404 to tools/call: Session not found';
    const opened = this.#opened();
    const generation = this.#generation;
    this.#pending = [
      {
        kind: 'attemptFailed',
        generation: previous,
        attempt: 1,
        reason: 'connect ECONNREFUSED',
        waitMs: 400,
      },
      opened,
      { kind: 'sessionReplaced', generation, previous, cause: evidence, durationMs: 6000 },
      { kind: 'requestReplayed', generation, ...this.#tool(), because: evidence },
      ...this.#pending,
    ];
    return { kind: 'sessionLost', generation: previous, evidence };
  }

  #outage(): HubFact['fact'] {
    const generation = this.#generation;
    const reason = 'connect ECONNREFUSED 127.0.0.1:3000';
    if (this.#random() < 0.3) this.#pending.push({ kind: 'connectionDown', generation, reason });
    this.#pending.push({ kind: 'serverAnswered', generation, outageMs: 9000 });
    return { kind: 'serverUnavailable', generation, reason };
  }
}

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
