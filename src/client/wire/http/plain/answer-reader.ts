/** What a server answers, before its body. */
export interface AnswerHead {
  readonly status: number;
  readonly statusText: string;
  /** Names in lower case, and values, in the order in which they came. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** For how long the server keeps the connection, in s, if it says so. */
  readonly keepsForS: number | undefined;
}

export interface AnswerSinks {
  readonly onHead: (head: AnswerHead) => void;
  readonly onBody: (part: Uint8Array) => void;
  /** @param keepsAlive whether the connection may carry another request */
  readonly onEnd: (keepsAlive: boolean) => void;
}

/** How long the head of an answer may be, its trailers, or a line between two parts of its body, in bytes; as in Node.js. */
const MAX_HEAD_BYTES = 16 * 1024;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const HEAD_END = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);

/** A field name (RFC 9110, 5.6.2), and what no value may hold (5.5). */
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const NOT_IN_VALUE = /[\0\r\n]/;
const STATUS_LINE = /^HTTP\/1\.([01]) (\d{3})(?: (.*))?$/;
const CHUNK_SIZE = /^([0-9a-f]{1,12})[\t ]*(?:;.*)?$/i;

/** Of a field that comes twice the first counts, where two have no meaning together; as in Node.js. */
const ONCE: ReadonlySet<string> = new Set(['content-type', 'location', 'retry-after']);

type Place = 'head' | 'body' | 'size' | 'part' | 'partEnd' | 'trailers' | 'end';

/** What a head says of itself, of its body, and of the connection. */
interface ReadHead extends AnswerHead {
  /** It only tells that an answer will come. */
  readonly isInterim: boolean;
  readonly keepsAlive: boolean;
  readonly isChunked: boolean;
  /** Of the body in bytes; infinite where it ends with the connection. */
  readonly length: number;
}

/** Reads heads, of which a server sends the same again and again: not more than its date changes, each second. */
export class AnswerHeads {
  #text: string | undefined;
  #head: ReadHead | undefined;

  /** @throws Error for what is none */
  read(text: string): ReadHead {
    const head = this.#head && this.#text === text ? this.#head : headIn(text);
    this.#text = text;
    this.#head = head;
    return head;
  }
}

/**
 * Reads answers of HTTP/1.1 out of bytes in any chunking (RFC 9112), one after the other. Pure: no I/O, no timers. What is
 * malformed is refused, since nobody could say where it ends.
 */
export class AnswerReader {
  readonly #sinks: AnswerSinks;
  readonly #heads: AnswerHeads;
  #isBodiless = false;
  #place: Place = 'end';
  /** The beginning of what is not there as a whole yet. */
  #begun: Buffer = NOTHING;
  /** What is left of the body, or of its part, in bytes. */
  #left = 0;
  #trailerBytes = 0;
  #keepsAlive = true;

  constructor(sinks: AnswerSinks, heads = new AnswerHeads()) {
    this.#sinks = sinks;
    this.#heads = heads;
  }

  /**
   * The next answer begins.
   * @param isBodiless whether it has no body, whatever its head says: that to HEAD
   */
  begin(isBodiless = false): void {
    this.#isBodiless = isBodiless;
    this.#place = 'head';
    this.#left = 0;
    this.#trailerBytes = 0;
  }

  get isOver(): boolean {
    return this.#place === 'end';
  }

  /** @throws Error for what is no answer of HTTP/1.1 */
  feed(chunk: Buffer): void {
    const bytes = this.#begun.length > 0 ? Buffer.concat([this.#begun, chunk]) : chunk;
    this.#begun = NOTHING;
    let at = 0;
    while (at < bytes.length && !this.isOver) {
      const next = this.#step(bytes, at);
      if (next === undefined) {
        this.#begun = bytes.subarray(at);
        if (this.#begun.length > MAX_HEAD_BYTES) throw malformed('its head is too long');
        return;
      }
      at = next;
    }
    // What comes unasked belongs to nobody.
    if (this.isOver) this.#sinks.onEnd(this.#keepsAlive && at === bytes.length);
  }

  /** No more will come: whether what came is a whole answer. */
  end(): boolean {
    if (this.#place !== 'body' || Number.isFinite(this.#left)) return this.isOver;
    this.#place = 'end';
    this.#sinks.onEnd(false);
    return true;
  }

  /** @returns where the next step begins; undefined: not enough is there */
  #step(bytes: Buffer, at: number): number | undefined {
    switch (this.#place) {
      case 'head':
        return this.#head(bytes, at);
      case 'body':
      case 'part':
        return this.#body(bytes, at);
      case 'size':
        return this.#line(bytes, at, (line) => this.#size(line));
      case 'partEnd':
        return this.#line(bytes, at, (line) => {
          if (line !== '') throw malformed('a part of its body is longer than it says');
          this.#place = 'size';
        });
      default:
        return this.#line(bytes, at, (line, length) => this.#trailer(line, length));
    }
  }

  #head(bytes: Buffer, at: number): number | undefined {
    let start = at;
    // Some send an empty line too many after the answer before.
    while (bytes[start] === CARRIAGE_RETURN || bytes[start] === LINE_FEED) start += 1;
    const end = bytes.indexOf(HEAD_END, start);
    if (end < 0) return undefined;
    if (end - start > MAX_HEAD_BYTES) throw malformed('its head is too long');
    const head = this.#heads.read(bytes.toString('latin1', start, end));
    if (!head.isInterim) this.#begin(head);
    return end + HEAD_END.length;
  }

  /** Where the body ends (RFC 9112, 6.3). */
  #begin(head: ReadHead): void {
    const { status, isChunked, length } = head;
    const isBodiless = this.#isBodiless || status === 204 || status === 304;
    this.#left = isBodiless ? 0 : length;
    this.#keepsAlive = head.keepsAlive && (isBodiless || isChunked || Number.isFinite(length));
    if (isBodiless || (length === 0 && !isChunked)) this.#place = 'end';
    else this.#place = isChunked ? 'size' : 'body';
    this.#sinks.onHead(head);
  }

  #body(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.#left);
    this.#left -= end - at;
    if (this.#left === 0) this.#place = this.#place === 'part' ? 'partEnd' : 'end';
    this.#sinks.onBody(bytes.subarray(at, end));
    return end;
  }

  #size(line: string): void {
    const [, digits] = CHUNK_SIZE.exec(line) ?? [];
    if (digits === undefined) throw malformed('a part of its body has no length');
    this.#left = Number.parseInt(digits, 16);
    this.#place = this.#left === 0 ? 'trailers' : 'part';
  }

  /** What is said after the body is of no use here. */
  #trailer(line: string, length: number): void {
    this.#trailerBytes += length;
    if (this.#trailerBytes > MAX_HEAD_BYTES) throw malformed('its trailers are too long');
    if (line === '') this.#place = 'end';
  }

  #line(bytes: Buffer, at: number, take: (line: string, length: number) => void): number | undefined {
    const end = bytes.indexOf(LINE_FEED, at);
    if (end < 0) return undefined;
    if (bytes[end - 1] !== CARRIAGE_RETURN || end === at) throw malformed('a line of it ends without a CR');
    take(bytes.toString('latin1', at, end - 1), end + 1 - at);
    return end + 1;
  }
}

/** The value of a field; of one that came more than once all of them. */
export function fieldOf({ fields }: Pick<AnswerHead, 'fields'>, name: string): string | undefined {
  let found: string | undefined;
  for (const [each, value] of fields) {
    if (each !== name) continue;
    if (ONCE.has(name)) return value;
    found = found === undefined ? value : `${found}, ${value}`;
  }
  return found;
}

function headIn(text: string): ReadHead {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const [, minor, code, statusText = ''] = STATUS_LINE.exec(statusLine) ?? [];
  if (code === undefined) throw malformed('it does not begin with a status line');
  const status = Number(code);
  if (status === 101) throw malformed('it goes over to another protocol');
  const fields = fieldsOf(lines);
  const named = (name: string) => fieldOf({ fields }, name);
  const connection = named('connection')?.toLowerCase();
  const isOpen = minor === '1' ? !hasToken(connection, 'close') : hasToken(connection, 'keep-alive');
  const codings = named('transfer-encoding')?.toLowerCase();
  const length = named('content-length');
  const hint = /(?:^|[,;\s])timeout=(\d+)/i.exec(named('keep-alive') ?? '')?.[1];
  return {
    status,
    statusText,
    fields,
    keepsForS: hint === undefined ? undefined : Number(hint),
    isInterim: status < 200,
    // Of one that says its length twice, nobody knows which is meant.
    keepsAlive: isOpen && (codings === undefined || length === undefined),
    isChunked: codings !== undefined && /(?:^|,)\s*chunked$/.test(codings),
    length: codings === undefined && length !== undefined ? lengthOf(length) : Number.POSITIVE_INFINITY,
  };
}

function fieldsOf(lines: readonly string[]): AnswerHead['fields'] {
  const fields: [string, string][] = [];
  for (const line of lines) {
    const last = fields.at(-1);
    // A value that goes on in the next line (RFC 9112, 5.2).
    if (last && (line[0] === ' ' || line[0] === '\t')) {
      last[1] = `${last[1]} ${line.trim()}`.trim();
      continue;
    }
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (!NAME.test(name) || NOT_IN_VALUE.test(value)) throw malformed('a line of its head is no field');
    fields.push([name, value]);
  }
  return fields;
}

function lengthOf(text: string): number {
  const [first = '', ...others] = text.split(/\s*,\s*/);
  if (!/^\d{1,15}$/.test(first) || others.some((other) => other !== first)) {
    throw malformed('it does not say how long it is');
  }
  return Number(first);
}

function hasToken(list: string | undefined, token: string): boolean {
  return list?.split(',').some((each) => each.trim() === token) ?? false;
}

function malformed(why: string): Error {
  return Object.assign(new Error(`What came is no answer of HTTP/1.1: ${why}.`), {
    code: 'ERR_MALFORMED_ANSWER',
  });
}
