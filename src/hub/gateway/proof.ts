import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * Path of the gateway's challenge, without a token: `GET /proof?nonce=<nonce>`. No server can have this path.
 */
export const PROOF_PATH = '/proof';
/** Response header with the proof. */
export const PROOF_HEADER = 'resilient-mcp-proof';
const NONCE_BYTES = 32;

/** A challenge: 32 random bytes, new each time. */
export function newNonce(): string {
  return randomBytes(NONCE_BYTES).toString('base64url');
}

export function isNonce(text: string): boolean {
  return /^[\w-]{43}$/.test(text);
}

/**
 * The answer to a nonce, which only a holder of the key can compute. It includes the port: a program that
 * relays the challenge to the gateway at another port gets a proof that is invalid at its own.
 */
export function proofOf(key: string, nonce: string, port: number): string {
  return createHmac('sha256', key).update(`resilient-mcp gateway\n${port}\n${nonce}`).digest('base64url');
}

/** Compares two proofs in constant time. */
export function isProof(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  // All proofs have the same length, which is no secret.
  return one.length === other.length && timingSafeEqual(one, other);
}
