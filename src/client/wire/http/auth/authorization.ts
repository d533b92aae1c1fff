import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import type { OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import type { HttpResponse } from '../../../../base/http-client.ts';
import { describeError, isResilientMcpError, ResilientMcpError } from '../../../../protocol/errors.ts';
import type { OAuthContext } from './oauth-requests.ts';
import { type Credentials, SignIn, spend } from './sign-in.ts';
import { signInAnswer } from './sign-in-answer.ts';
import { needsAuthorization, waitsForPerson } from './unauthorized.ts';

/** Loaded when it is needed: the SDK's OAuth takes longer to load than all the rest of a connection. */
const oauthFlow = () => import('./oauth-flow.ts');

/** How many challenges to one request are answered: new credentials, a wider scope, and one that came late. */
const MAX_CHALLENGES = 3;
type HeaderFields = NonNullable<RequestInit['headers']>;

/** Where the headers of a connection come from. */
export interface AuthorizationOptions {
  readonly authProvider: OAuthClientProvider | undefined;
  readonly requestInit: RequestInit | undefined;
  readonly headers: (() => HeaderFields | Promise<HeaderFields>) | undefined;
}

/** What a challenge refuses: these credentials of this provider. */
interface Refused {
  readonly provider: OAuthClientProvider;
  readonly signIn: SignIn;
  readonly credentials: Credentials;
}

/** Takes a 401, or a 403 for insufficient scope, and the headers of the request that it refuses. */
export type OnChallenge = (challenge: HttpResponse, sent: Headers) => Promise<void>;

/**
 * Authorization by the SDK's own pieces: bearer token from an `OAuthClientProvider`, static headers, or a function
 * giving fresh ones. Only a 401 or an `insufficient_scope` challenge starts OAuth, never a lost session
 * (claude-code#60949). A person is asked to sign in once, and not once for each request that needs it.
 */
export class Authorization {
  readonly #context: OAuthContext;
  readonly #options: AuthorizationOptions;
  readonly #signIn: SignIn | undefined;
  #abort = new AbortController();
  #onSignedIn: (() => void) | undefined;
  #underWay: Promise<void> | undefined;
  #resourceMetadataUrl: URL | undefined;

  constructor(context: OAuthContext, options: AuthorizationOptions) {
    this.#context = context;
    this.#options = options;
    this.#signIn = options.authProvider && SignIn.of(options.authProvider);
  }

  /** Calls `listener` when a person has signed in, over whichever connection of the provider. */
  onSignedIn(listener: () => void): void {
    this.#onSignedIn = listener;
    this.#signIn?.onFinished.add(listener);
  }

  /** Whether there is nowhere that headers could come from: then those of one request are those of the next. */
  get givesNone(): boolean {
    const { authProvider, requestInit, headers } = this.#options;
    const given = requestInit?.headers;
    const isEmpty = given === undefined || (isRecord(given) && Object.keys(given).length === 0);
    return !authProvider && !headers && isEmpty;
  }

  /**
   * Fresh headers for one request; later sources win: provider's token, `requestInit.headers`, `headers()`.
   * @throws ResilientMcpError `SERVER_UNAVAILABLE` when a source fails, `INVALID_CONFIGURATION` for what is no header
   */
  async headers(): Promise<Headers> {
    const { authProvider, requestInit, headers } = this.#options;
    const result = new Headers();
    if (authProvider) {
      const tokens = await sourceOf('authProvider.tokens()', () => authProvider.tokens());
      if (tokens) setAll(result, 'authProvider', [['authorization', `Bearer ${tokens.access_token}`]]);
    }
    setAll(result, 'requestInit.headers', requestInit?.headers);
    if (headers) setAll(result, 'headers()', await sourceOf('headers()', headers));
    return result;
  }

  /**
   * Makes an exchange, and makes it again whenever a challenge to it could be answered. What is thrown is thrown before
   * the request was executed.
   * @throws ResilientMcpError `UNAUTHORIZED` when a person has to act first; `SERVER_UNAVAILABLE` when the
   *   authorization server, or a source of headers, gives no answer
   */
  async during<T>(signal: AbortSignal, attempt: (onChallenge: OnChallenge) => Promise<T>): Promise<T> {
    for (let challenges = 0; ; ) {
      let isAnswered = false;
      const ending = await attempt(async (challenge, sent) => {
        if (challenges++ < MAX_CHALLENGES)
          isAnswered = await orAborted(this.#answer(challenge, sent), signal);
      });
      if (!isAnswered) return ending;
    }
  }

  /** As `finishAuth` of the SDK's transports: takes what the person's browser came back with. */
  async finish(given: string | URLSearchParams, issuer: string | undefined): Promise<void> {
    const { authProvider: provider } = this.#options;
    const signIn = this.#signIn;
    if (!provider || !signIn) throw needsAuthorization('The connection has no authProvider.');
    const exchange = async () => {
      try {
        const answer = signInAnswer(given, issuer);
        const { runOAuth } = await oauthFlow();
        await runOAuth(this.#context, { ...this.#request(provider, signIn.scope), answer });
      } finally {
        // Whatever comes of it, that page has served: the next challenge may open another.
        signIn.asked = undefined;
      }
      await this.#obtained(signIn);
    };
    // One at a time, so that no other page takes the place of the code verifier that belongs to this code.
    await this.#once(signIn, `code ${given}`, exchange, true);
    for (const listener of [...signIn.onFinished]) listener();
  }

  /** A request that was sent with these headers was let in. */
  succeeded(sent: Headers): void {
    this.#signIn?.hasProven(sent.get('authorization'));
  }

  /** The owner wants everything tried anew: a person may be asked again. */
  forget(): void {
    this.#signIn?.forget();
  }

  /** What this connection runs of an authorization; undefined when nothing does. */
  get underWay(): Promise<unknown> | undefined {
    return this.#underWay;
  }

  /** Ends what is under way, but for a token request that was sent. */
  close(): void {
    this.#abort.abort();
    // A sign-in may be finished after its transport was closed, as the SDK's documentation does it.
    this.#abort = new AbortController();
    if (this.#onSignedIn) this.#signIn?.onFinished.delete(this.#onSignedIn);
  }

  /** Answers a challenge, if that can be done. */
  async #answer(challenge: HttpResponse, sent: Headers): Promise<boolean> {
    const credentials = sent.get('authorization');
    // Renewed since this request was sent, by another request or by headers().
    if ((await this.#credentials()) !== credentials) return true;
    const { authProvider } = this.#options;
    const signIn = this.#signIn;
    if (!authProvider || !signIn) return false;
    const { challengeOf } = await oauthFlow();
    const { resourceMetadataUrl, scope, error } = challengeOf(challenge);
    this.#resourceMetadataUrl = resourceMetadataUrl ?? this.#resourceMetadataUrl;
    const refused: Refused = { provider: authProvider, signIn, credentials };
    if (challenge.status === 401) await this.#renew(refused, scope ?? signIn.scope);
    else if (error === 'insufficient_scope') await this.#stepUp(refused, scope);
    else return false;
    return true;
  }

  /** New credentials for those that the server does not take any more. */
  #renew(refused: Refused, scope: string | undefined): Promise<void> {
    const { signIn, credentials } = refused;
    return this.#once(signIn, 'renewal', async () => {
      const held = await refused.provider.tokens();
      if ((await this.#credentials()) !== credentials) return;
      if (signIn.isRefusedAnew(credentials, this.#context.clock.monotonic())) {
        throw needsAuthorization(
          'The server refuses the credentials that were obtained for it a moment ago.',
        );
      }
      signIn.stepUps.clear();
      await this.#authorize(refused, held, scope, false);
    });
  }

  /**
   * A wider scope: what was asked for and held before, and what is wanted now (SEP-2350), once for the same scopes.
   * A server names what the one operation needs; a token for that alone would lose the others.
   */
  async #stepUp(refused: Refused, wanted: string | undefined): Promise<void> {
    const { signIn, credentials } = refused;
    const held = await refused.provider.tokens();
    const scope = wanted === undefined ? undefined : union(signIn.scope, held?.scope, wanted);
    await this.#once(signIn, `scope ${scope ?? ''}`, async () => {
      if ((await this.#credentials()) !== credentials) return;
      const isTried = signIn.stepUps.has(scope ?? '');
      if (isTried && !signIn.isAsked(credentials, true)) throw scopeNotGranted(scope);
      signIn.stepUps.add(scope ?? '');
      await this.#authorize(refused, held, scope, true);
    });
  }

  async #authorize(
    { provider, signIn, credentials }: Refused,
    held: OAuthTokens | undefined,
    scope: string | undefined,
    anew: boolean,
  ): Promise<void> {
    if (signIn.isAsked(credentials, anew)) throw waitsForPerson();
    const pageIsOpen = signIn.isAsked(credentials, true);
    const { obtained } = signIn;
    if (!pageIsOpen) signIn.scope = scope;
    const { runOAuth } = await oauthFlow();
    const run = { ...this.#request(provider, scope), refused: { signIn, held, anew, pageIsOpen } };
    try {
      const result = await spend(anew ? undefined : held?.refresh_token, () => runOAuth(this.#context, run));
      // Unless the provider brought the code at once.
      if (result === 'asked' && signIn.obtained === obtained) {
        signIn.asked = { anew, credentials };
        throw needsAuthorization('The server wants a person to sign in.');
      }
      if (result === 'authorized') await this.#obtained(signIn);
    } finally {
      // Read again: tokens that could not be refreshed are dropped on the way, and the page stays the same.
      await this.#keepPage(signIn, credentials);
    }
  }

  /** The page that is open for some credentials is so for those that took their place. */
  async #keepPage(signIn: SignIn, before: Credentials): Promise<void> {
    if (signIn.asked?.credentials !== before) return;
    const credentials = await this.#credentials();
    signIn.asked = { anew: signIn.asked.anew && credentials !== null, credentials };
  }

  #request(provider: OAuthClientProvider, scope: string | undefined) {
    return { provider, scope, resourceMetadataUrl: this.#resourceMetadataUrl, signal: this.#abort.signal };
  }

  #once(signIn: SignIn, what: string, run: () => Promise<void>, duringPage = false): Promise<void> {
    const running = () => {
      const done = run().finally(() => {
        if (this.#underWay === done) this.#underWay = undefined;
      });
      this.#underWay = done;
      return done;
    };
    return signIn.once(what, this.#abort.signal, running, duringPage);
  }

  async #obtained(signIn: SignIn): Promise<void> {
    signIn.hasObtained(await this.#credentials(), this.#context.clock.monotonic());
  }

  async #credentials(): Promise<Credentials> {
    return (await this.headers()).get('authorization');
  }
}

function isRecord(given: NonNullable<RequestInit['headers']>): boolean {
  return !(given instanceof Headers) && !Array.isArray(given);
}

function scopeNotGranted(scope: string | undefined): ResilientMcpError {
  const what = scope === undefined ? 'a wider scope' : `the scope "${scope}"`;
  return new ResilientMcpError(
    'UNAUTHORIZED',
    `The server wants ${what}, and an authorization for it did not help.`,
    {
      status: 403,
      advice: 'The authorization server, or the person who signed in, may not have granted it.',
    },
  );
}

function union(...scopes: (string | undefined)[]): string {
  return [...new Set(scopes.flatMap((scope) => scope?.split(' ').filter(Boolean) ?? []))].join(' ');
}

/** Nothing was sent yet: whatever a source of headers throws, the request can be made again. */
async function sourceOf<T>(name: string, source: () => T | Promise<T>): Promise<T> {
  try {
    return await source();
  } catch (error) {
    if (isResilientMcpError(error)) throw error;
    throw new ResilientMcpError('SERVER_UNAVAILABLE', `${name} gave no headers: ${describeError(error)}`, {
      cause: error,
    });
  }
}

/** @throws ResilientMcpError without the value, which the platform's own error would show */
function setAll(target: Headers, source: string, fields: HeaderFields | undefined): void {
  if (fields === undefined) return;
  try {
    new Headers(fields).forEach((value, name) => {
      target.set(name, value);
    });
  } catch {
    throw new ResilientMcpError('INVALID_CONFIGURATION', `${source}: a name or value is no HTTP header.`, {
      advice: 'The usual cause is a line break, or a character beyond Latin-1, in a pasted token.',
    });
  }
}

/** @throws the reason of `signal` as soon as it aborts */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
