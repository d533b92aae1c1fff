import { EnvelopeScan, type ScannedMessage } from '../text/envelope-scan.ts';

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;

/** An event that is too long to keep: skipped up to its blank line, with only its JSON-RPC envelope read. */
export class LongEvent {
  readonly #scan: EnvelopeScan;
  #place: 'start' | 'field' | 'data' = 'data';
  #wasReturn = false;

  /** @param onMessage see {@link EnvelopeScan} */
  constructor(onMessage: (message: ScannedMessage) => void) {
    this.#scan = new EnvelopeScan(onMessage);
  }

  /** Takes the next bytes; gives what comes after the event, once it has ended. */
  feed(bytes: Uint8Array): Uint8Array | undefined {
    let at = 0;
    while (at < bytes.length) {
      if (this.#place === 'data') {
        const end = lineEnd(bytes, at);
        this.#scan.feed(bytes.subarray(at, end));
        if (end === bytes.length) return undefined;
        at = end;
      }
      const byte = bytes[at++];
      if (byte === LF && this.#wasReturn) this.#wasReturn = false;
      else if (byte === LF || byte === CR) {
        if (this.#place === 'start') return bytes.subarray(at);
        this.#place = 'start';
        this.#wasReturn = byte === CR;
      } else {
        this.#wasReturn = false;
        this.#place = byte === COLON ? 'data' : 'field';
      }
    }
    return undefined;
  }
}

/** Most bytes of a blank line that can precede a chunk. */
const MAX_TAIL = 3;

/**
 * Where the event begins that a chunk ends with: after its last blank line. Undefined when there is none.
 * @param tail the bytes before the chunk
 */
export function lastEventStart(chunk: Uint8Array, tail: Uint8Array = new Uint8Array()): number | undefined {
  const within = afterBlankLine(chunk);
  if (within !== undefined) return within;
  const seam = afterBlankLine(concat(tail, chunk.subarray(0, MAX_TAIL)));
  return seam === undefined || seam < tail.length ? undefined : seam - tail.length;
}

/** The last bytes of what came so far. */
export function tailOf(tail: Uint8Array, chunk: Uint8Array): Uint8Array {
  return chunk.length >= MAX_TAIL ? chunk.slice(-MAX_TAIL) : concat(tail, chunk).slice(-MAX_TAIL);
}

function afterBlankLine(bytes: Uint8Array): number | undefined {
  for (let at = bytes.length - 1; at > 0; at--) {
    const [before, byte] = [bytes[at - 1], bytes[at]];
    if (byte === LF && before === LF) return at + 1;
    if (byte === CR && before === CR) return at + 1;
    if (byte === LF && before === CR && bytes[at - 2] === LF) return at + 1;
  }
  return undefined;
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}

function lineEnd(bytes: Uint8Array, from: number): number {
  const [feed, carriage] = [bytes.indexOf(LF, from), bytes.indexOf(CR, from)];
  const ends = [feed, carriage].filter((end) => end >= 0);
  return ends.length === 0 ? bytes.length : Math.min(...ends);
}
