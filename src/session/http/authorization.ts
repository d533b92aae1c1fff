import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { describeError, isResilientMcpError, ResilientMcpError } from '../../protocol/errors.ts';
import type { HttpResponse } from './http-client.ts';
import type { OAuthContext } from './oauth-flow.ts';
import { needsAuthorization } from './unauthorized.ts';

/** Loaded when it is needed: the SDK's OAuth takes longer to load than all the rest of a connection. */
const oauthFlow = () => import('./oauth-flow.ts');

/** How many challenges to one request are answered: new credentials, a wider scope, and one that came late. */
const MAX_CHALLENGES = 3;
/**
 * How long credentials that were just obtained, and that the server has never accepted, are not renewed again, in ms:
 * a server that refuses everything must not turn every request into an authorization.
 */
const RENEWAL_PAUSE_MS = 60_000;

/** Where the headers of a connection come from. */
export interface AuthorizationOptions {
  readonly authProvider: OAuthClientProvider | undefined;
  readonly requestInit: RequestInit | undefined;
  readonly headers: (() => HeadersInit | Promise<HeadersInit>) | undefined;
}

/** The value of the `Authorization` header; null: none is sent. */
type Credentials = string | null;

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
  #abort = new AbortController();
  #underWay: { readonly what: string; readonly done: Promise<void> } | undefined;
  #resourceMetadataUrl: URL | undefined;
  /** The scope that was last asked for. */
  #scope: string | undefined;
  /** A person was asked to sign in, or to agree to a wider scope, while these credentials were held. */
  #asked: { readonly anew: boolean; readonly credentials: Credentials } | undefined;
  /** Credentials that an authorization gave and that no answer has proven yet. */
  #unproven: { readonly credentials: Credentials; readonly since: number } | undefined;
  /** Scopes for which an authorization was tried since the credentials were last renewed. */
  readonly #stepUps = new Set<string>();

  constructor(context: OAuthContext, options: AuthorizationOptions) {
    this.#context = context;
    this.#options = options;
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

  /** As `finishAuth` of the SDK's transport: takes the code that the person's browser came back with. */
  async finish(authorizationCode: string): Promise<void> {
    const { authProvider: provider } = this.#options;
    if (!provider) throw needsAuthorization('The connection has no authProvider.');
    // Whatever comes of it, that page has served: the next challenge may open another.
    this.#asked = undefined;
    const { runOAuth } = await oauthFlow();
    await runOAuth(this.#context, { ...this.#request(provider, this.#scope), authorizationCode });
    await this.#obtained();
  }

  /** A request that was sent with these headers was let in. */
  succeeded(sent: Headers): void {
    if (this.#unproven?.credentials === sent.get('authorization')) this.#unproven = undefined;
  }

  /** The owner wants everything tried anew: a person may be asked again. */
  forget(): void {
    this.#asked = undefined;
    this.#unproven = undefined;
    this.#stepUps.clear();
  }

  /** Ends what is under way. */
  close(): void {
    this.#abort.abort();
    // A sign-in may be finished after its transport was closed, as the SDK's documentation does it.
    this.#abort = new AbortController();
  }

  /** One authorization runs at a time, and every request that was refused meanwhile shares it. */
  async #answer(challenge: HttpResponse, sent: Headers): Promise<boolean> {
    const credentials = sent.get('authorization');
    // Renewed since this request was sent, by another request or by headers().
    if ((await this.#credentials()) !== credentials) return true;
    const { authProvider } = this.#options;
    if (!authProvider) return false;
    const { challengeOf } = await oauthFlow();
    const { resourceMetadataUrl, scope, error } = challengeOf(challenge);
    this.#resourceMetadataUrl = resourceMetadataUrl ?? this.#resourceMetadataUrl;
    if (challenge.status === 401) await this.#renew(authProvider, credentials, scope ?? this.#scope);
    else if (error === 'insufficient_scope') await this.#stepUp(authProvider, credentials, scope);
    else return false;
    return true;
  }

  /** New credentials for those that the server does not take any more. */
  #renew(provider: OAuthClientProvider, credentials: Credentials, scope: string | undefined): Promise<void> {
    return this.#once('renewal', async () => {
      if ((await this.#credentials()) !== credentials) return;
      if (this.#isRefusedAnew(credentials)) {
        throw needsAuthorization(
          'The server refuses the credentials that were obtained for it a moment ago.',
        );
      }
      this.#stepUps.clear();
      await this.#authorize(provider, credentials, scope, false);
    });
  }

  /**
   * A wider scope: what was asked for and held before, and what is wanted now (SEP-2350), once for the same scopes.
   * A server names what the one operation needs; a token for that alone would lose the others.
   */
  async #stepUp(
    provider: OAuthClientProvider,
    credentials: Credentials,
    wanted: string | undefined,
  ): Promise<void> {
    const held = (await provider.tokens())?.scope;
    const scope = wanted === undefined ? undefined : union(this.#scope, held, wanted);
    await this.#once(`scope ${scope ?? ''}`, async () => {
      const isTried = this.#stepUps.has(scope ?? '');
      if (isTried && !this.#isAsked(credentials, true)) throw scopeNotGranted(scope);
      this.#stepUps.add(scope ?? '');
      await this.#authorize(provider, credentials, scope, true);
    });
  }

  async #authorize(
    provider: OAuthClientProvider,
    credentials: Credentials,
    scope: string | undefined,
    anew: boolean,
  ): Promise<void> {
    // A second run would make the page that the person is looking at useless: it has a code verifier of its own.
    if (this.#isAsked(credentials, anew)) throw waitsForPerson();
    this.#scope = scope;
    const { runOAuth } = await oauthFlow();
    const result = await runOAuth(this.#context, { ...this.#request(provider, scope), anew });
    if (result === 'asked') {
      // Read again: tokens that could not be refreshed are dropped on the way.
      this.#asked = { anew, credentials: await this.#credentials() };
      throw needsAuthorization('The server wants a person to sign in.');
    }
    await this.#obtained();
  }

  #request(provider: OAuthClientProvider, scope: string | undefined) {
    return { provider, scope, resourceMetadataUrl: this.#resourceMetadataUrl, signal: this.#abort.signal };
  }

  async #obtained(): Promise<void> {
    this.#asked = undefined;
    this.#unproven = { credentials: await this.#credentials(), since: this.#context.clock.monotonic() };
  }

  /** Nobody has come back from the page. One for a wider scope does not stand in the way of a refresh. */
  #isAsked(credentials: Credentials, anew: boolean): boolean {
    return this.#asked?.credentials === credentials && (anew || !this.#asked.anew);
  }

  #isRefusedAnew(credentials: Credentials): boolean {
    const unproven = this.#unproven;
    return (
      unproven?.credentials === credentials &&
      this.#context.clock.monotonic() - unproven.since < RENEWAL_PAUSE_MS
    );
  }

  async #once(what: string, run: () => Promise<void>): Promise<void> {
    while (this.#underWay && this.#underWay.what !== what) await this.#underWay.done.catch(() => {});
    this.#underWay ??= {
      what,
      done: run().finally(() => {
        this.#underWay = undefined;
      }),
    };
    return this.#underWay.done;
  }

  async #credentials(): Promise<Credentials> {
    return (await this.headers()).get('authorization');
  }
}

function waitsForPerson(): ResilientMcpError {
  return new ResilientMcpError(
    'UNAUTHORIZED',
    'A person has been asked to sign in, and has not done so yet.',
    {
      status: 401,
      advice: 'Finish signing in. After a reset of the session the page is opened again.',
    },
  );
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
function setAll(target: Headers, source: string, fields: HeadersInit | undefined): void {
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
