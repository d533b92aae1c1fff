import type { RequestId } from '@modelcontextprotocol/sdk/types.js';
import { idIn } from './id-text.ts';

/** The envelope of a message that is too long to keep. */
export interface ScannedMessage {
  readonly id: RequestId | undefined;
  /** Whether it answers a request; else it asks or tells something. */
  readonly isAnswer: boolean;
}

/** The longest key or value of the envelope that is looked at, in bytes. */
const MAX_TOKEN = 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;
const ARRAY = 0x5b;
const ARRAY_END = 0x5d;

/**
 * Reads the envelope of JSON-RPC messages out of bytes of any number without keeping them: for what is too long to be
 * taken, so that the one who waits for it can be told. One message, or a batch.
 */
export class EnvelopeScan {
  readonly #onMessage: (message: ScannedMessage) => void;
  readonly #token = new Uint8Array(MAX_TOKEN);
  #length = 0;
  #depth = 0;
  /** The depth at which the members of a message stand: one more within a batch. */
  #members = 1;
  #isInString = false;
  #isEscaped = false;
  #key: string | undefined;
  #id: RequestId | undefined;
  #isAnswer = false;
  #isTold = false;

  /**
   * @param onMessage told of each message as soon as it is known which it is; of one without an id, or that asks, at
   * its end
   */
  constructor(onMessage: (message: ScannedMessage) => void) {
    this.#onMessage = onMessage;
  }

  feed(bytes: Uint8Array): void {
    for (const byte of bytes) {
      // Of the one message everything is known.
      if (this.#isTold && this.#members === 1) return;
      if (this.#isInString) this.#inString(byte);
      else this.#outside(byte);
    }
  }

  #inString(byte: number): void {
    this.#keep(byte);
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isInString = false;
  }

  #outside(byte: number): void {
    if (byte === OBJECT || byte === ARRAY) this.#open(byte);
    else if (byte === OBJECT_END || byte === ARRAY_END) this.#close();
    else if (this.#depth === this.#members && byte === COLON) this.#named();
    else if (this.#depth === this.#members && byte === COMMA) this.#valued();
    else {
      if (byte === QUOTE) this.#isInString = true;
      this.#keep(byte);
    }
  }

  #open(byte: number): void {
    if (this.#depth === 0) this.#members = byte === ARRAY ? 2 : 1;
    this.#depth++;
    if (this.#depth === this.#members) this.#begin();
  }

  #close(): void {
    if (this.#depth === this.#members) {
      this.#valued();
      this.#tell();
    }
    this.#depth = Math.max(0, this.#depth - 1);
  }

  #begin(): void {
    this.#length = 0;
    this.#key = undefined;
    this.#id = undefined;
    this.#isAnswer = false;
    this.#isTold = false;
  }

  #named(): void {
    const key = this.#value();
    this.#key = typeof key === 'string' ? key : undefined;
    if (this.#key === 'result' || this.#key === 'error') this.#isAnswer = true;
    if (this.#isAnswer && this.#id !== undefined) this.#tell();
  }

  #valued(): void {
    const value = this.#value();
    if (this.#key === 'id' && (typeof value === 'string' || typeof value === 'number')) this.#id = value;
    this.#key = undefined;
    if (this.#isAnswer && this.#id !== undefined) this.#tell();
  }

  #tell(): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.#onMessage({ id: this.#id, isAnswer: this.#isAnswer });
  }

  /** Deeper levels contain neither keys of the envelope nor ids, so nothing of them is kept. */
  #keep(byte: number): void {
    if (this.#depth === this.#members && this.#length < MAX_TOKEN) this.#token[this.#length++] = byte;
  }

  #value(): unknown {
    const text = new TextDecoder().decode(this.#token.subarray(0, this.#length));
    this.#length = 0;
    try {
      return this.#key === 'id' ? idIn(text) : JSON.parse(text);
    } catch {
      return undefined;
    }
  }
}
