import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';

/**
 * How long credentials that were just obtained, and that the server has never accepted, are not renewed again, in ms:
 * a server that refuses everything must not turn every request into an authorization.
 */
const RENEWAL_PAUSE_MS = 60_000;

/** The value of the `Authorization` header; null: none is sent. */
export type Credentials = string | null;

/** A person was asked to sign in, or to agree to a wider scope (`anew`), while these credentials were held. */
interface Asked {
  readonly anew: boolean;
  readonly credentials: Credentials;
}

interface Flow {
  readonly what: string;
  /** Aborted when the connection that runs it is closed. */
  readonly by: AbortSignal;
  readonly done: Promise<void>;
}

/**
 * What all connections of one provider share: its tokens, its code verifier and its person are there once, so one
 * authorization runs at a time, and one page is open at a time, whichever request of whichever connection began it.
 */
export class SignIn {
  /** The scope that was last asked for. */
  scope: string | undefined;
  asked: Asked | undefined;
  /** Scopes for which an authorization was tried since the credentials were last renewed. */
  readonly stepUps = new Set<string>();
  /** Called when a person has signed in. */
  readonly onFinished = new Set<() => void>();
  /** How often credentials were obtained. */
  obtained = 0;
  #underWay: Flow | undefined;
  #isAtPage = false;
  /** Credentials that an authorization gave and that no answer has proven yet. */
  #proven: Credentials | undefined;
  #unproven: { readonly credentials: Credentials; readonly since: number } | undefined;

  static of(provider: OAuthClientProvider): SignIn {
    const known = signIns.get(provider) ?? new SignIn();
    signIns.set(provider, known);
    return known;
  }

  /**
   * Runs one flow after the other. Whoever wants what is under way shares its outcome, unless that is only that the
   * connection which ran it was closed.
   * @param duringPage whether it may come while a page is handed over: a provider that brings the code before it
   *   returns from that would wait for itself
   */
  async once(what: string, by: AbortSignal, run: () => Promise<void>, duringPage = false): Promise<void> {
    for (let flow = this.#underWay; flow; flow = this.#underWay) {
      if (duringPage && this.#isAtPage) break;
      const isShared = flow.what === what;
      try {
        await flow.done;
        if (isShared) return;
      } catch (error) {
        if (by.aborted || (isShared && !flow.by.aborted)) throw error;
      }
    }
    const flow: Flow = {
      what,
      by,
      done: run().finally(() => {
        if (this.#underWay === flow) this.#underWay = undefined;
      }),
    };
    this.#underWay = flow;
    return flow.done;
  }

  /** Hands a page to the provider. */
  async atPage<T>(show: () => T | Promise<T>): Promise<T> {
    this.#isAtPage = true;
    try {
      return await show();
    } finally {
      this.#isAtPage = false;
    }
  }

  /** Whether a page is open that nobody has come back from. One for a wider scope does not stand in the way of a refresh. */
  isAsked(credentials: Credentials, anew: boolean): boolean {
    return this.asked?.credentials === credentials && (anew || !this.asked.anew);
  }

  /** New credentials, of which it is still to be seen whether they are taken. */
  hasObtained(credentials: Credentials, now: number): void {
    this.obtained++;
    // Another request may have been let in with them already, and then none has to show it any more.
    if (credentials !== this.#proven) this.#unproven = { credentials, since: now };
  }

  /** A request with these credentials was let in. */
  hasProven(credentials: Credentials): void {
    this.#proven = credentials;
    if (this.#unproven?.credentials === credentials) this.#unproven = undefined;
  }

  /** Whether these are new credentials that were refused as well. */
  isRefusedAnew(credentials: Credentials, now: number): boolean {
    const unproven = this.#unproven;
    return unproven?.credentials === credentials && now - unproven.since < RENEWAL_PAUSE_MS;
  }

  /** A person may be asked again, and everything be tried anew. */
  forget(): void {
    this.asked = undefined;
    this.#proven = undefined;
    this.#unproven = undefined;
    this.stepUps.clear();
  }
}

const signIns = new WeakMap<OAuthClientProvider, SignIn>();

/** Refresh tokens that are being spent by this process, and what comes of it. */
const spending = new Map<string, Promise<unknown>>();

/**
 * Spends a refresh token, one use at a time, whoever holds it: several providers may be made over one store, and many
 * authorization servers take a token that comes twice for a stolen one, and end everything that came of it.
 */
export async function spend<T>(token: string | undefined, use: () => Promise<T>): Promise<T> {
  if (token === undefined) return use();
  for (let other = spending.get(token); other; other = spending.get(token)) await other.catch(() => {});
  const used = use();
  spending.set(token, used);
  try {
    return await used;
  } finally {
    spending.delete(token);
  }
}
