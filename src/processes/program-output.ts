import type { Clock } from '../base/environment.ts';
import { withoutSecrets } from '../protocol/http/secrets.ts';

/** The longest line that is reported, in characters; the rest is cut. */
const MAX_LINE = 500;
/** Lines that may come at once. */
const BURST = 50;
/** Lines told in a second after that. A server that writes without end must not fill the journal. */
const PER_SECOND = 5;

export interface ProgramOutputOptions {
  readonly clock: Clock;
  /** Texts that are replaced, and by what. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly onLine: (line: string) => void;
}

/** What a program writes for people: its lines without secrets, cut, and not more of them than a log can take. */
export class ProgramOutput {
  readonly #options: ProgramOutputOptions;
  #allowance = BURST;
  #countedAt: number;
  #leftOut = 0;
  #last: string | undefined;

  constructor(options: ProgramOutputOptions) {
    this.#options = options;
    this.#countedAt = options.clock.monotonic();
  }

  /** The line that came last, told or not. */
  get last(): string | undefined {
    return this.#last;
  }

  take(line: string): void {
    const { secrets, onLine } = this.#options;
    const text = withoutSecrets(line, secrets);
    this.#last = text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text;
    if (!this.#mayTell()) {
      this.#leftOut++;
      return;
    }
    if (this.#leftOut > 0) onLine(`(${this.#leftOut} lines were left out)`);
    this.#leftOut = 0;
    onLine(this.#last);
  }

  #mayTell(): boolean {
    const now = this.#options.clock.monotonic();
    const earned = (Math.max(0, now - this.#countedAt) / 1000) * PER_SECOND;
    this.#allowance = Math.min(BURST, this.#allowance + earned);
    this.#countedAt = now;
    if (this.#allowance < 1) return false;
    this.#allowance--;
    return true;
  }
}
