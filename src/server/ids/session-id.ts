import { createHmac, timingSafeEqual } from 'node:crypto';
import { type Handshake, parseHandshake } from '../../endpoint/handshake.ts';

/**
 * A session id that carries its own proof. A later process, or another replica with the same key, can verify
 * without a lookup that we issued it, when, to whom, and to a client of which capabilities.
 *
 * `nonce.payload.signature`, each part base64url (RFC 4648, 5) or hexadecimal: visible ASCII, as MCP
 * 2025-11-25 requires of a session id. It is signed, not encrypted: a holder can read the client's handshake
 * in it, and nothing else. The nonce comes first, so that the first characters, which are all that a log
 * shows, tell ids apart.
 */
export interface IssuedId {
  readonly id: string;
  /** Whether the id contains the handshake. When it did not fit, a store must keep it. */
  readonly carriesHandshake: boolean;
}

export type Proof =
  | {
      readonly kind: 'ours';
      /** When it was issued, in ms since the epoch. */
      readonly issuedAt: number;
      /** Undefined when the handshake did not fit into the id. */
      readonly handshake: Handshake | undefined;
    }
  /** Not signed with any of our keys: never issued by us, modified, or of another deployment. */
  | { readonly kind: 'unknown' }
  /** Signed by us, but the payload is not that of an id. */
  | { readonly kind: 'unreadable' }
  /** Issued by us, and older than the maximum age. */
  | { readonly kind: 'expired' }
  /** Issued by us, to another principal. */
  | { readonly kind: 'foreign' };

export interface SessionIdOptions {
  /** At least one key. The first signs; each of them is accepted. */
  readonly keys: readonly string[];
  /** Separates servers that share a key: an id of one scope is not valid in another. */
  readonly scope: string;
  /** Maximum length of an issued id, in characters, as long as the fixed parts fit. */
  readonly maxLength: number;
  /** Maximum age of an id, in ms. */
  readonly maxAgeMs: number;
}

const FORMAT = 1;
const UNKNOWN: Proof = { kind: 'unknown' };
const SIGNATURE_LENGTH = 43;

/** Issues and checks session ids. Pure: the time and the nonce come with each call. */
export class SessionIds {
  readonly #options: SessionIdOptions;

  constructor(options: SessionIdOptions) {
    this.#options = options;
  }

  /**
   * @param nonce visible ASCII without a dot, at least 96 random bits
   * @param now in ms since the epoch
   */
  issue(handshake: Handshake, principal: string | undefined, nonce: string, now: number): IssuedId {
    const { protocolVersion, clientInfo, capabilities } = handshake;
    const fixed = [FORMAT, Math.floor(now / 1000), this.#principalMark(principal)];
    const whole = this.#sign(nonce, [...fixed, protocolVersion, clientInfo, capabilities]);
    return whole.length <= this.#options.maxLength
      ? { id: whole, carriesHandshake: true }
      : { id: this.#sign(nonce, fixed), carriesHandshake: false };
  }

  /** What an id proves when `principal` sends it. Total: every text has a result, never an error. */
  check(id: string, principal: string | undefined, now: number): Proof {
    const payload = this.#payloadOf(id);
    if (payload === 'none') return { kind: 'unreadable' };
    if (!payload) return UNKNOWN;
    const [format, issuedSeconds, mark, protocolVersion, clientInfo, capabilities] = payload;
    // The signature proves that we wrote it, but an older or newer build may use another format.
    if (format !== FORMAT || !Number.isSafeInteger(issuedSeconds)) return UNKNOWN;
    const issuedAt = Number(issuedSeconds) * 1000;
    if (now - issuedAt > this.#options.maxAgeMs) return { kind: 'expired' };
    if (!this.#isMarkOf(mark, principal)) return { kind: 'foreign' };
    const handshake = parseHandshake({ protocolVersion, clientInfo, capabilities });
    return { kind: 'ours', issuedAt, handshake };
  }

  #sign(nonce: string, payload: readonly unknown[]): string {
    const text = `${nonce}.${Buffer.from(JSON.stringify(payload)).toString('base64url')}`;
    return `${text}.${this.#mac(this.#options.keys[0] ?? '', 'session', text)}`;
  }

  /** `none`: signed by us but unreadable, since the key was used for another purpose. */
  #payloadOf(id: string): readonly unknown[] | 'none' | undefined {
    const end = id.lastIndexOf('.');
    const text = id.slice(0, Math.max(end, 0));
    const signature = id.slice(end + 1);
    if (signature.length !== SIGNATURE_LENGTH) return undefined;
    // All keys are tried, in constant time each, so that timing reveals nothing about a key. The signature is
    // compared as text, because different base64 texts can stand for the same bytes.
    const isOurs = this.#options.keys
      .map((key) => isSame(this.#mac(key, 'session', text), signature))
      .includes(true);
    if (!isOurs) return undefined;
    return arrayIn(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString());
  }

  /** A digest instead of the principal: an id must not reveal its holder's name. */
  #principalMark(principal: string | undefined, key = this.#options.keys[0] ?? ''): string {
    return principal === undefined ? '' : this.#mac(key, 'principal', principal).slice(0, 22);
  }

  #isMarkOf(mark: unknown, principal: string | undefined): boolean {
    if (typeof mark !== 'string') return false;
    return this.#options.keys.some((key) => isSame(this.#principalMark(principal, key), mark));
  }

  /**
   * The purpose is part of the signed text, so that a signature is not valid for another purpose or scope.
   */
  #mac(key: string, purpose: 'session' | 'principal', text: string): string {
    const said = JSON.stringify(['resilient-mcp', purpose, this.#options.scope, text]);
    return createHmac('sha256', key).update(said).digest('base64url');
  }
}

function arrayIn(text: string): readonly unknown[] | 'none' {
  try {
    const payload: unknown = JSON.parse(text);
    return Array.isArray(payload) ? payload : 'none';
  } catch {
    return 'none';
  }
}

/** Comparison in constant time for texts of equal length; the length of a signature is no secret. */
function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
