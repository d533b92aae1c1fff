import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import type { OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import { type Clock, sleep } from '../../../../base/environment.ts';
import { ResilientMcpError } from '../../../../protocol/errors.ts';
import type { SignIn } from './sign-in.ts';
import { waitsForPerson } from './unauthorized.ts';

/**
 * How long a refresh token that was refused is looked for again in its store, in ms, and how often: another process may
 * have spent it a moment ago, and not have written yet what it got.
 */
const STORE_PATIENCE_MS = 500;
const STORE_LOOKS = 10;

/** What a server refused, for whose sake an authorization is run. */
export interface RefusedCredentials {
  readonly signIn: SignIn;
  /** What the provider held when the server refused it; what is held now may be newer. */
  readonly held: OAuthTokens | undefined;
  /**
   * A new authorization even where a refresh token is held: a refresh can't widen the scope (RFC 6749, section 6;
   * typescript-sdk#2255 is what happens otherwise).
   */
  readonly anew: boolean;
  /** A person is at a page that was opened before: another would make its code verifier useless. */
  readonly pageIsOpen: boolean;
}

/** What is known of the requests of one run. */
export interface RunOfRequests {
  /** Why one was not made, or its answer not taken: it went where it may not go. */
  readonly refused: ResilientMcpError | undefined;
  /** Whether metadata that was kept is that of the authorization server at an address. */
  takes(metadata: Readonly<Record<string, unknown>>, expected: string): boolean;
  /** @throws ResilientMcpError `UNAUTHORIZED` for a page that is not to be opened */
  checkPage(page: URL): void;
  /** Why the last request to the authorization server got no answer; undefined when it did. */
  readonly unanswered: string | undefined;
  /** Why the metadata of the resource got no answer, so that `auth()` takes the MCP server for its authorization server. */
  readonly resourceUnanswered: string | undefined;
}

export interface GuardedRun {
  readonly provider: OAuthClientProvider;
  readonly requests: RunOfRequests;
  /** What is to be renewed or widened; undefined with a code. */
  readonly refused: RefusedCredentials | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Ends a run of `auth()`: the store holds credentials that were not refused yet. */
export class RenewedElsewhere extends Error {}

/** The provider as `auth()` is to see it. Its members are bound, since a provider may have private fields. */
export function guardedProvider(run: GuardedRun): OAuthClientProvider {
  const { provider, refused } = run;
  const replaced: Partial<OAuthClientProvider> = {
    ...discovering(run),
    ...(refused && renewing(run, refused)),
  };
  return new Proxy(replaced as OAuthClientProvider, {
    get(target, name) {
      if (name in target) return Reflect.get(target, name);
      const value: unknown = Reflect.get(provider, name);
      return typeof value === 'function' ? value.bind(provider) : value;
    },
    has: (target, name) => name in target || name in provider,
  });
}

function discovering({ provider, requests }: GuardedRun): Partial<OAuthClientProvider> {
  return {
    async discoveryState() {
      const state = await provider.discoveryState?.();
      const metadata = state?.authorizationServerMetadata;
      // Else it is looked up again.
      return metadata && !requests.takes(metadata, state.authorizationServerUrl) ? undefined : state;
    },
    async saveDiscoveryState(state) {
      const { resourceUnanswered } = requests;
      const isElsewhere = async () => isOther(await issuerOf(provider), state.authorizationServerUrl);
      // Or it would register and sign in with a server that only seems to be in charge.
      if (resourceUnanswered !== undefined && (await isElsewhere())) throw notAnswered(resourceUnanswered);
      await provider.saveDiscoveryState?.(state);
    },
  };
}

function renewing(
  { provider, requests, clock, signal }: GuardedRun,
  { signIn, held, anew, pageIsOpen }: RefusedCredentials,
): Partial<OAuthClientProvider> {
  const tokens = async () => {
    const now = await provider.tokens();
    if (now && now.access_token !== held?.access_token) throw new RenewedElsewhere();
    return now;
  };
  return {
    tokens: async () => (anew ? withoutRefreshToken(await tokens()) : tokens()),
    async invalidateCredentials(what) {
      // One of another process may have been quicker: what it got is not to be thrown away.
      for (let look = 0; what === 'tokens' && held?.refresh_token && look < STORE_LOOKS; look++) {
        await tokens();
        await sleep(clock, STORE_PATIENCE_MS / STORE_LOOKS, signal);
      }
      await provider.invalidateCredentials?.(what);
    },
    async saveCodeVerifier(verifier) {
      // auth() takes a refresh that met nobody for one that was refused. Nobody is asked to sign in for an outage.
      if (requests.unanswered !== undefined) throw notAnswered(requests.unanswered);
      // Nor for tokens that could not be refreshed where they may not be.
      if (requests.refused) throw requests.refused;
      if (pageIsOpen) throw waitsForPerson();
      await provider.saveCodeVerifier(verifier);
    },
    redirectToAuthorization(page) {
      requests.checkPage(page);
      return signIn.atPage(() => provider.redirectToAuthorization(page));
    },
  };
}

function withoutRefreshToken(held: OAuthTokens | undefined): OAuthTokens | undefined {
  if (!held) return undefined;
  const { refresh_token: _, ...rest } = held;
  return rest;
}

/** The authorization server that gave what the provider holds, as the SDK stamps it. */
async function issuerOf(provider: OAuthClientProvider): Promise<string | undefined> {
  return (await provider.tokens())?.issuer ?? (await provider.clientInformation())?.issuer;
}

function isOther(held: string | undefined, now: string): boolean {
  return held !== undefined && URL.canParse(held) && new URL(held).href !== new URL(now).href;
}

/** The authorization server is away, which a person who signs in could not change. */
export function notAnswered(why: string): ResilientMcpError {
  return new ResilientMcpError('SERVER_UNAVAILABLE', `The authorization server did not answer: ${why}.`, {
    advice: 'It is asked again with the next attempt; nobody has to sign in for this.',
  });
}
