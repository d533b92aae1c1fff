import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Where a gateway answers a challenge, without a token: `GET /proof?nonce=<nonce>`. No server of it can have this path. */
export const PROOF_PATH = '/proof';
/** The header of the answer that holds the proof. */
export const PROOF_HEADER = 'resilient-mcp-proof';
const NONCE_BYTES = 32;

/** What a gateway is asked to answer to: 32 random bytes, another one each time. */
export function newNonce(): string {
  return randomBytes(NONCE_BYTES).toString('base64url');
}

export function isNonce(text: string): boolean {
  return /^[\w-]{43}$/.test(text);
}

/**
 * What only a holder of the key can answer to a nonce, and only for one port: who passes the question on to the gateway
 * where that listens now gets an answer that is no good at the port where it was asked.
 */
export function proofOf(key: string, nonce: string, port: number): string {
  return createHmac('sha256', key).update(`resilient-mcp gateway\n${port}\n${nonce}`).digest('base64url');
}

/** Whether a proof is the right one. How long the answer takes says nothing about it. */
export function isProof(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  // All proofs are of one length, which is no secret.
  return one.length === other.length && timingSafeEqual(one, other);
}
