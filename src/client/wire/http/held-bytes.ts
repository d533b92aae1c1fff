import { ResilientMcpError } from '../../../protocol/errors.ts';

/** What all answers have together that this process is reading: memory is the process's, and not one connection's. */
let held = 0;

/** The bytes of one answer that is being read. Many large ones at one time would fill the memory; each alone may. */
export class HeldBytes {
  readonly #maxHeldBytes: number;
  #own = 0;

  /** @param maxHeldBytes how much all answers of the process may have together when this one takes more */
  constructor(maxHeldBytes: number) {
    this.#maxHeldBytes = maxHeldBytes;
  }

  /** @throws ResilientMcpError `LIMIT_EXCEEDED` */
  add(bytes: number): void {
    if (held + bytes > this.#maxHeldBytes) {
      throw new ResilientMcpError(
        'LIMIT_EXCEEDED',
        `The answers that are being read are larger than ${this.#maxHeldBytes} bytes together (option limits.maxHeldBytes).`,
        { advice: 'Ask for less at one time.' },
      );
    }
    held += bytes;
    this.#own += bytes;
  }

  /** What was read so far is nobody's to hold any more. */
  release(): void {
    held -= this.#own;
    this.#own = 0;
  }
}
