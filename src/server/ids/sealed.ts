import { createCipheriv, createDecipheriv, createHash, createHmac } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const TAG_BYTES = 16;
const IV_BYTES = 12;

/**
 * Texts that only who holds a key of the sessions can read, for a store that more people read than a process. What a
 * text is about is sealed with it: moved to another name, it is not opened.
 */
export class Seal {
  readonly #keys: readonly Buffer[];

  /** @param keys at least one. The first seals; each of them opens */
  constructor(keys: readonly string[]) {
    this.#keys = keys.map((key) => createHmac('sha256', key).update('resilient-mcp seal').digest());
  }

  /** @param nonce something that was never there before, with at least 96 random bits */
  close(text: string, about: string, nonce: string): string {
    const iv = createHash('sha256').update(nonce).digest().subarray(0, IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.#keys[0] ?? '', iv).setAAD(Buffer.from(about));
    const sealed = Buffer.concat([cipher.update(text), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** The text; undefined when it was not sealed so, or with another key. */
  open(sealed: string, about: string): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url');
    const [iv, tag] = [bytes.subarray(0, IV_BYTES), bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES)];
    if (tag.length < TAG_BYTES) return undefined;
    for (const key of this.#keys) {
      try {
        const cipher = createDecipheriv(CIPHER, key, iv).setAAD(Buffer.from(about)).setAuthTag(tag);
        return cipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)).toString() + cipher.final().toString();
      } catch {
        // Of another key: the next one may be it.
      }
    }
    return undefined;
  }
}
