import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const TOKEN_BYTES = 32;

/** A new random token: 32 bytes, in characters valid in a header. */
export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/** Whether a text is a valid bearer token (RFC 6750, 2.1: `b64token`). */
export function isUsableToken(token: string): boolean {
  return token.length <= 4096 && /^[\w.~+/-]+=*$/.test(token);
}

/** Whether an `Authorization` header has the token. Compares in constant time. */
export function bringsToken(authorization: string | null | undefined, token: string): boolean {
  const given = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
  // Digests, because timingSafeEqual takes only equal lengths, and the token's length must not leak.
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Identity of a client authenticated with the token of clients that end with this process. */
export const ephemeralClient = { token: '', clientId: 'a client that ends with the gateway', scopes: [] };

/** Identity of a client through `attach`. Its sessions are separate from those of other clients. */
export const attachClient = { token: '', clientId: 'a client by attach', scopes: [] };
