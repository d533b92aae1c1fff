import type { IncomingMessage } from 'node:http';

export interface BodiesOptions {
  /** The largest body, in bytes. */
  readonly maxBodyBytes: number;
  /** What all bodies together may hold, in bytes. */
  readonly maxHeldBytes: number;
}

/** A body that was read, held until it is let go of. */
export interface HeldBody {
  readonly bytes: Buffer;
  release(): void;
}

/** Why a body was not read: too large; no room besides the others; the client has disconnected. */
export type NotRead = 'too large' | 'no room' | 'gone';

interface Reading {
  giveUp(why: NotRead): void;
}

/** Reads request bodies within one common bound. When it is reached, the slowest body is refused. */
export class Bodies {
  readonly #options: BodiesOptions;
  /** Those that are not whole, oldest first. */
  readonly #reading = new Set<Reading>();
  #held = 0;

  constructor(options: BodiesOptions) {
    this.#options = options;
  }

  /** Bytes currently held. */
  get held(): number {
    return this.#held;
  }

  read(request: IncomingMessage): Promise<HeldBody | NotRead> {
    const { maxBodyBytes } = this.#options;
    const { promise, resolve } = Promise.withResolvers<HeldBody | NotRead>();
    const chunks: Buffer[] = [];
    let length = 0;
    let isHeld = true;
    const release = () => {
      if (isHeld) this.#held -= length;
      isHeld = false;
    };
    const settle = (result: HeldBody | NotRead) => {
      this.#reading.delete(reading);
      if (typeof result === 'string') {
        release();
        chunks.length = 0;
        // The rest is read and dropped, so that the client, which reads nothing while it writes, hears why.
        request.off('data', take).resume();
      }
      resolve(result);
    };
    const reading: Reading = { giveUp: settle };
    const take = (chunk: Buffer) => {
      if (length + chunk.length > maxBodyBytes) return settle('too large');
      if (!this.#makeRoom(chunk.length, reading)) return settle('no room');
      this.#held += chunk.length;
      length += chunk.length;
      chunks.push(chunk);
    };
    this.#reading.add(reading);
    request.on('data', take);
    request.once(
      'end',
      () => this.#reading.has(reading) && settle({ bytes: Buffer.concat(chunks), release }),
    );
    request.once('close', () => this.#reading.has(reading) && settle('gone'));
    request.on('error', () => {});
    return promise;
  }

  #makeRoom(bytes: number, asking: Reading): boolean {
    for (const oldest of this.#reading) {
      if (this.#held + bytes <= this.#options.maxHeldBytes) break;
      if (oldest !== asking) oldest.giveUp('no room');
    }
    return this.#held + bytes <= this.#options.maxHeldBytes;
  }
}
