import { ResilientMcpError } from '../errors.ts';

/** A part of a JSON text: from `start` to `end`, exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
  /** The previous value of the same key: an object may repeat a key. */
  readonly earlier?: Span | undefined;
}

/** The members of an object by key. Of repeated keys the last one counts, as in `JSON.parse`. */
export type Members = ReadonlyMap<string, Span>;

/** Result of scanning a text. */
export interface ScannedText {
  /** The members, if it is an object. */
  readonly members: Members | undefined;
  /** The elements, if it is an array. */
  readonly elements: readonly Span[] | undefined;
  /** How deep arrays and objects are nested; 0 for a scalar. */
  readonly depth: number;
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const SLASH = 0x2f;
const LETTER_B = 0x62;
const LETTER_F = 0x66;
const LETTER_N = 0x6e;
const LETTER_R = 0x72;
const LETTER_T = 0x74;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Length of a string read one character at a time before a search for the next special one, which is faster
 * then.
 */
const FAR = 64;
/** A lower-case letter: the first of each of JSON's three literals. */
const FIRST_LETTER = 0x61;

// Searches from where `lastIndex` is set to before each use.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a string may not hold
const specialCharacter = /["\\\u0000-\u001f]/g;
const unicodeEscape = /\\u[0-9a-fA-F]{4}/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/**
 * Scans a JSON text (RFC 8259) without creating values. Accepts what `JSON.parse` accepts. Time and memory
 * are linear in the text; no depth can overflow the stack.
 * @throws ResilientMcpError `PROTOCOL_VIOLATION` for invalid JSON
 */
export function scanJson(text: string): ScannedText {
  const scanner = new Scanner(text);
  const scanned = scanner.top();
  scanner.end();
  return { ...scanned, depth: scanner.deepest };
}

/** The members of an object in a text that {@link scanJson} has accepted; none for other values. */
export function membersAt(text: string, { start }: Span): Members {
  return new Scanner(text, start).top().members ?? new Map();
}

class Scanner {
  readonly #text: string;
  #at: number;
  /** For each array or object around the open one: whether it is an object. */
  readonly #around: boolean[] = [];
  /** Whether the open one is an object. */
  #isInObject = false;
  deepest = 0;
  #keyEnd = 0;

  constructor(text: string, at = 0) {
    this.#text = text;
    this.#at = at;
  }

  /** The value that begins here, and the positions of its members or elements. */
  top(): Omit<ScannedText, 'depth'> {
    this.#space();
    switch (this.#text.charCodeAt(this.#at)) {
      case OPEN_OBJECT:
        return { members: this.#members(), elements: undefined };
      case OPEN_ARRAY:
        return { members: undefined, elements: this.#elements() };
      default:
        this.#scalar();
        return { members: undefined, elements: undefined };
    }
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) this.#fail();
  }

  #members(): Members {
    const members = new Map<string, Span>();
    if (this.#opens(true)) return members;
    for (;;) {
      const key = this.#key();
      const span = this.#value();
      const earlier = members.get(key);
      members.set(key, earlier ? { ...span, earlier } : span);
      if (this.#closes()) return members;
    }
  }

  #elements(): Span[] {
    const elements: Span[] = [];
    if (this.#opens(false)) return elements;
    do elements.push(this.#value());
    while (!this.#closes());
    return elements;
  }

  /** Skips one value, of any depth. */
  #value(): Span {
    this.#space();
    const start = this.#at;
    const outside = this.#around.length;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      let isWhole = true;
      if (code === OPEN_OBJECT) isWhole = this.#opens(true);
      else if (code === OPEN_ARRAY) isWhole = this.#opens(false);
      else this.#scalar();
      if (!isWhole) {
        if (this.#isInObject) this.#passKey();
        this.#space();
        continue;
      }
      while (this.#around.length > outside && this.#closes());
      if (this.#around.length === outside) return { start, end: this.#at };
      if (this.#isInObject) this.#passKey();
      this.#space();
    }
  }

  /** Enters an array or object. True if it is empty, and therefore left again. */
  #opens(isObject: boolean): boolean {
    this.#around.push(this.#isInObject);
    this.#isInObject = isObject;
    if (this.#around.length > this.deepest) this.deepest = this.#around.length;
    this.#at++;
    this.#space();
    if (this.#text.charCodeAt(this.#at) !== (isObject ? CLOSE_OBJECT : CLOSE_ARRAY)) return false;
    return this.#leave();
  }

  /**
   * After a value in an array or object: whether the array or object ends here. If not, the next value
   * begins.
   */
  #closes(): boolean {
    this.#space();
    const code = this.#text.charCodeAt(this.#at);
    if (code === COMMA) {
      this.#at++;
      return false;
    }
    if (code !== (this.#isInObject ? CLOSE_OBJECT : CLOSE_ARRAY)) this.#fail();
    return this.#leave();
  }

  #leave(): true {
    this.#at++;
    this.#isInObject = this.#around.pop() ?? false;
    return true;
  }

  #key(): string {
    this.#space();
    const start = this.#at;
    this.#passKey();
    const key = this.#text.slice(start, this.#keyEnd);
    return key.includes('\\') ? (JSON.parse(key) as string) : key.slice(1, -1);
  }

  /** Skips a key and its colon. */
  #passKey(): void {
    this.#space();
    if (this.#text.charCodeAt(this.#at) !== QUOTE) this.#fail();
    this.#string();
    this.#keyEnd = this.#at;
    this.#space();
    if (this.#text.charCodeAt(this.#at) !== COLON) this.#fail();
    this.#at++;
  }

  #scalar(): void {
    const code = this.#text.charCodeAt(this.#at);
    if (code === QUOTE) this.#string();
    else if (code >= FIRST_LETTER) this.#word();
    else this.#match(number);
  }

  #string(): void {
    const text = this.#text;
    let far = this.#at + FAR;
    for (let at = this.#at + 1; ; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        return;
      }
      // Beyond the end the code is NaN, and every comparison with it is false.
      if (!(code >= SPACE)) this.#fail(at);
      if (code === BACKSLASH) {
        at = this.#escape(at);
        far = at + FAR;
      } else if (at > far) {
        specialCharacter.lastIndex = at;
        at = specialCharacter.test(text) ? specialCharacter.lastIndex - 2 : text.length - 1;
      }
    }
  }

  /** Reads an escape sequence. @returns the index of its last character */
  #escape(at: number): number {
    switch (this.#text.charCodeAt(at + 1)) {
      case QUOTE:
      case BACKSLASH:
      case SLASH:
      case LETTER_B:
      case LETTER_F:
      case LETTER_N:
      case LETTER_R:
      case LETTER_T:
        return at + 1;
      default:
        unicodeEscape.lastIndex = at;
        return unicodeEscape.test(this.#text) ? unicodeEscape.lastIndex - 1 : this.#fail(at);
    }
  }

  #word(): void {
    const word = ['true', 'false', 'null'].find((each) => this.#text.startsWith(each, this.#at));
    if (word === undefined) this.#fail();
    else this.#at += word.length;
  }

  #match(pattern: RegExp): void {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) this.#fail();
    this.#at = pattern.lastIndex;
  }

  #space(): void {
    const text = this.#text;
    let at = this.#at;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code !== SPACE && code !== LINE_FEED && code !== CARRIAGE_RETURN && code !== TAB) break;
      at++;
    }
    this.#at = at;
  }

  #fail(at = this.#at): never {
    this.#at = at;
    const found = this.#at < this.#text.length ? JSON.stringify(this.#text[this.#at]) : 'the end';
    throw new ResilientMcpError(
      'PROTOCOL_VIOLATION',
      `That is no JSON: ${found} stands at character ${this.#at}.`,
    );
  }
}
