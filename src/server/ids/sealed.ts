import { createCipheriv, createDecipheriv, createHash, createHmac } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const TAG_BYTES = 16;
const IV_BYTES = 12;

/**
 * Encrypts texts for a store that has more readers than a process. Only a holder of a session key can read
 * them. The subject is authenticated too: a text moved to another name does not open.
 */
export class Seal {
  readonly #keys: readonly Buffer[];

  /** @param keys at least one. The first seals; any of them opens */
  constructor(keys: readonly string[]) {
    this.#keys = keys.map((key) => createHmac('sha256', key).update('resilient-mcp seal').digest());
  }

  /** @param nonce a unique value, with at least 96 random bits */
  close(text: string, about: string, nonce: string): string {
    const iv = createHash('sha256').update(nonce).digest().subarray(0, IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.#keys[0] ?? '', iv).setAAD(Buffer.from(about));
    const sealed = Buffer.concat([cipher.update(text), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** The text; undefined when it was sealed for another subject or with another key. */
  open(sealed: string, about: string): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url');
    const [iv, tag] = [bytes.subarray(0, IV_BYTES), bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES)];
    if (tag.length < TAG_BYTES) return undefined;
    for (const key of this.#keys) {
      try {
        const cipher = createDecipheriv(CIPHER, key, iv).setAAD(Buffer.from(about)).setAuthTag(tag);
        return cipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)).toString() + cipher.final().toString();
      } catch {
        // Sealed with another key: try the next one.
      }
    }
    return undefined;
  }
}
