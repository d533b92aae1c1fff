/** The largest event that is held back until it is whole, in bytes. A larger one is passed on as it comes. */
const MAX_HELD_BYTES = 1024 * 1024;
const LF = 0x0a;
const CR = 0x0d;

/**
 * Passes on an event stream in whole events, so that it can be continued from another process wherever this one is
 * cut off. An event ends with an empty line (HTML, 9.2.5).
 */
export class WholeEvents {
  #held: Buffer = Buffer.alloc(0);
  #isBroken = false;

  /** True when the client has a part of an event: then nothing may follow but its rest. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Takes what came, gives what may go. */
  take(chunk: Buffer): Buffer {
    const all = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const end = endOfLastEvent(all);
    if (end === 0 && all.length <= MAX_HELD_BYTES) {
      this.#held = all;
      return Buffer.alloc(0);
    }
    const cut = end === 0 ? all.length : end;
    this.#isBroken = end === 0;
    this.#held = all.subarray(cut);
    return all.subarray(0, cut);
  }

  /** Forgets the part of an event that will not be continued. */
  drop(): void {
    this.#held = Buffer.alloc(0);
  }
}

/** Where the last empty line ends; 0 when there is none. */
function endOfLastEvent(bytes: Buffer): number {
  for (let at = bytes.length - 1; at > 0; at -= 1) {
    const byte = bytes[at];
    if (byte !== LF && byte !== CR) continue;
    const before = bytes[at - 1];
    if (before === byte) return at + 1;
    if (byte === LF && before === CR && bytes[at - 2] === LF) return at + 1;
  }
  return 0;
}
