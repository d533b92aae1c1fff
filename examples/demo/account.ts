import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import type { JournalEntry } from '../../src/client/observe/journal.ts';

/** How a line is meant; it becomes a colour where there are colours. */
export type Tone = 'plain' | 'bad' | 'good' | 'doubt' | 'quiet';

const colours = { plain: 'reset', bad: 'red', good: 'green', doubt: 'yellow', quiet: 'dim' } as const;
const NAME_WIDTH = 12;
/** Where the progress line can't be rewritten in place, it is written this often. */
const PROGRESS_MS = 5000;

/**
 * The live account: a line for each event that matters, with its time, and on a terminal one last line that keeps
 * changing. Colours only on a terminal, and none with NO_COLOR.
 */
export class Account {
  readonly #out: NodeJS.WriteStream;
  readonly #progress: () => string;
  readonly #began = Date.now();
  readonly #gathered = new Map<
    string,
    { name: string; words: string; tone: Tone; count: number; timer: NodeJS.Timeout }
  >();
  readonly #ticker: NodeJS.Timeout;

  /** @param progress makes the progress line */
  constructor(out: NodeJS.WriteStream, progress: () => string) {
    this.#out = out;
    this.#progress = progress;
    this.#ticker = setInterval(() => this.#tick(), out.isTTY ? 200 : PROGRESS_MS);
  }

  /** Seconds since the account began. */
  get seconds(): number {
    return (Date.now() - this.#began) / 1000;
  }

  /** Text as it is, without a time. */
  say(text: string): void {
    this.#line(text);
  }

  /** One event of one server. */
  tell(name: string, words: string, tone: Tone = 'plain'): void {
    const time = this.#styled('quiet', `${this.seconds.toFixed(1).padStart(5)} s`);
    this.#line(`${time}  ${name.padEnd(NAME_WIDTH)}${this.#styled(tone, words)}`);
  }

  /** An event of which many alike may come: those within `withinMs` are told in one line, with their number. */
  gather(name: string, words: string, tone: Tone, withinMs: number): void {
    const key = `${name}/${words}`;
    const known = this.#gathered.get(key);
    if (known) known.count++;
    else {
      const timer = setTimeout(() => this.#tellGathered(key), withinMs);
      this.#gathered.set(key, { name, words, tone, count: 1, timer });
    }
  }

  /** Tells a fact of a connection's journal, if it is one that a reader wants to know. */
  fact(name: string, entry: JournalEntry): void {
    if (entry.kind === 'requestReplayed') {
      this.gather(name, `sent again: ${entry.tool ?? entry.method} (${entry.because})`, 'quiet', 150);
      return;
    }
    const told = wordsFor(entry);
    if (told) this.tell(name, told.words, told.tone);
  }

  /** Ends the progress line and writes what was still gathered. */
  close(): void {
    clearInterval(this.#ticker);
    for (const key of [...this.#gathered.keys()]) this.#tellGathered(key);
    this.#wipe();
  }

  #tellGathered(key: string): void {
    const event = this.#gathered.get(key);
    if (!event) return;
    clearTimeout(event.timer);
    this.#gathered.delete(key);
    this.tell(
      event.name,
      `${event.count} ${event.count === 1 ? 'call' : 'calls'} ${event.words}`,
      event.tone,
    );
  }

  #tick(): void {
    if (this.#out.isTTY) this.#drawProgress();
    else this.#line(`${this.seconds.toFixed(1).padStart(5)} s  ${this.#progress()}`);
  }

  #line(text: string): void {
    this.#wipe();
    this.#out.write(`${text}\n`);
    if (this.#out.isTTY) this.#drawProgress();
  }

  #drawProgress(): void {
    this.#wipe();
    const width = (this.#out as WriteStream).columns || 80;
    this.#out.write(this.#styled('quiet', `         ${this.#progress()}`.slice(0, width - 1)));
  }

  #wipe(): void {
    if (this.#out.isTTY) this.#out.write('\r\u001b[2K');
  }

  #styled(tone: Tone, text: string): string {
    return tone === 'plain' ? text : styleText(colours[tone], text, { stream: this.#out });
  }
}

/** The words for a fact; undefined for those that would only make the account longer. */
export function wordsFor(entry: JournalEntry): { words: string; tone: Tone } | undefined {
  switch (entry.kind) {
    case 'sessionOpened':
      // A later session is told by the fact that it replaced one.
      if (entry.generation > 1) return undefined;
      return { words: `session 1 opened (${entry.server}, MCP ${entry.protocolVersion})`, tone: 'good' };
    case 'sessionLost':
      return { words: `session ${entry.generation} is lost: ${entry.evidence}`, tone: 'bad' };
    case 'serverUnavailable':
      return { words: `no answer (${entry.reason}); calls wait`, tone: 'doubt' };
    case 'serverAnswered':
      return { words: `answers again after ${inSeconds(entry.outageMs)}`, tone: 'plain' };
    case 'sessionReplaced':
      return {
        words: `session ${entry.generation} replaces session ${entry.previous}, ${inSeconds(entry.durationMs)} after the first sign`,
        tone: 'good',
      };
    case 'outcomeUnknown':
      return {
        words: `${entry.tool ?? entry.method}: no answer came, so it may or may not have run; not sent again`,
        tone: 'doubt',
      };
    case 'connectionDown':
      return { words: `given up for now: ${entry.reason}`, tone: 'bad' };
    default:
      return undefined;
  }
}

function inSeconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
