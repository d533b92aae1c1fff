import {
  auth,
  extractWWWAuthenticateParams,
  type OAuthClientProvider,
} from '@modelcontextprotocol/sdk/client/auth.js';
import { OAuthError, ServerError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import type { HttpResponse } from '../../../../base/http-client.ts';
import { describeError, isResilientMcpError, type ResilientMcpError } from '../../../../protocol/errors.ts';
import { withoutSecrets } from '../../../../protocol/http/secrets.ts';
import {
  guardedProvider,
  notAnswered,
  type RefusedCredentials,
  RenewedElsewhere,
} from './guarded-provider.ts';
import { type OAuthContext, OAuthRequests } from './oauth-requests.ts';
import { checkIssuer, type SignInAnswer } from './sign-in-answer.ts';
import { needsAuthorization } from './unauthorized.ts';

export interface OAuthRequest {
  readonly provider: OAuthClientProvider;
  readonly resourceMetadataUrl: URL | undefined;
  readonly scope: string | undefined;
  /** What the person's browser came back with. */
  readonly answer?: SignInAnswer;
  /** What is to be renewed or widened; undefined with a code. */
  readonly refused?: RefusedCredentials;
  readonly signal: AbortSignal;
}

/** What a 401 or 403 says in its `WWW-Authenticate`, of which the SDK reads nothing but the header. */
export function challengeOf({ headers }: HttpResponse) {
  return extractWWWAuthenticateParams({ headers } as Response);
}

/**
 * Runs the SDK's `auth()` once, bounded in time and size.
 * @returns `asked`: a person has been sent to sign in; `authorized`: the provider holds others than were refused
 * @throws ResilientMcpError `UNAUTHORIZED` when there is no authorization to be had; `SERVER_UNAVAILABLE` when the
 *   authorization server did not answer, which a person who signs in could not change
 */
export async function runOAuth(
  context: OAuthContext,
  request: OAuthRequest,
): Promise<'authorized' | 'asked'> {
  const { provider, refused, signal, resourceMetadataUrl, scope, answer } = request;
  const requests = new OAuthRequests(context, signal, resourceMetadataUrl, (asked) => {
    if (answer) checkIssuer(answer, asked);
  });
  try {
    const result = await auth(
      guardedProvider({ provider, refused, requests, clock: context.clock, signal }),
      {
        serverUrl: context.serverUrl,
        fetchFn: (url, init) => requests.fetch(url, init),
        ...(resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl }),
        ...(scope === undefined ? {} : { scope }),
        ...(answer === undefined ? {} : { authorizationCode: answer.code }),
      },
    );
    return result === 'AUTHORIZED' ? 'authorized' : 'asked';
  } catch (error) {
    if (error instanceof RenewedElsewhere) return 'authorized';
    if (isResilientMcpError(error)) throw error;
    const isRefusal = error instanceof OAuthError && !(error instanceof ServerError);
    if (requests.unanswered !== undefined && !isRefusal) throw notAnswered(requests.unanswered);
    throw await notAuthorized(provider, error, answer?.code);
  }
}

/** In the authorization server's words, without the secrets that it may repeat. */
async function notAuthorized(
  provider: OAuthClientProvider,
  error: unknown,
  code: string | undefined,
): Promise<ResilientMcpError> {
  const words =
    error instanceof OAuthError
      ? [error.errorCode, error.message].filter(Boolean).join(': ')
      : describeError(error);
  const clean = withoutSecrets(words, await secretsOfProvider(provider, code));
  const message = `The server wants authorization, and none could be had: ${clean.slice(0, 300)}`;
  return needsAuthorization(message, clean === words ? error : undefined);
}

async function secretsOfProvider(
  provider: OAuthClientProvider,
  code: string | undefined,
): Promise<ReadonlyMap<string, string>> {
  const tokens = await Promise.resolve(provider.tokens()).catch(() => undefined);
  const client = await Promise.resolve(provider.clientInformation()).catch(() => undefined);
  const secrets = [tokens?.access_token, tokens?.refresh_token, client?.client_secret, code];
  return new Map(secrets.flatMap((secret) => (secret ? [[secret, '***']] : [])));
}
