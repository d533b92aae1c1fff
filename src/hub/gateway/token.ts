import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const TOKEN_BYTES = 32;

/** A token that nobody can guess: 32 random bytes, written in characters that a header may hold. */
export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/** Whether a text can be sent as a bearer token (RFC 6750, 2.1: `b64token`). */
export function isUsableToken(token: string): boolean {
  return token.length <= 4096 && /^[\w.~+/-]+=*$/.test(token);
}

/** Whether a request's `Authorization` is the token. How long the answer takes says nothing about the token. */
export function bringsToken(authorization: string | null | undefined, token: string): boolean {
  const given = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
  // Digests, since timingSafeEqual takes only equal lengths, and a length is a hint too.
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** The identity of a client that brought the token of clients that end with this process. */
export const ephemeralClient = { token: '', clientId: 'a client that ends with the gateway', scopes: [] };

/** The identity of a client that came by `attach`: its sessions are none of the others'. */
export const attachClient = { token: '', clientId: 'a client by attach', scopes: [] };
