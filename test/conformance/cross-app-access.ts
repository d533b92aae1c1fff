import { connectAnd, textIn, type Visit } from './visit.ts';

const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/**
 * `auth/cross-app-access-complete-flow` (SEP-990): the identity provider's token is changed for a grant, the grant for
 * an access token. The SDK has no provider for it, so the token is fetched here, and the transport carries it as a
 * header.
 */
export async function crossAppAccess(visit: Visit): Promise<void> {
  const { origin, pathname } = visit.url;
  const resource = await json(`${origin}/.well-known/oauth-protected-resource${pathname}`);
  const issuer = String((resource.authorization_servers as string[])[0]);
  const server = await json(new URL('/.well-known/oauth-authorization-server', issuer));
  const grant = await token(textIn(visit, 'idp_token_endpoint'), {
    grant_type: TOKEN_EXCHANGE,
    requested_token_type: ID_JAG,
    audience: String(server.issuer),
    resource: String(resource.resource),
    subject_token: textIn(visit, 'idp_id_token'),
    subject_token_type: ID_TOKEN,
    client_id: textIn(visit, 'idp_client_id'),
  });
  const credentials = [textIn(visit, 'client_id'), textIn(visit, 'client_secret')]
    .map(encodeURIComponent)
    .join(':');
  const access = await token(
    String(server.token_endpoint),
    { grant_type: JWT_BEARER, assertion: grant },
    credentials,
  );
  const requestInit = { headers: { authorization: `Bearer ${access}` } };
  await connectAnd(visit, { requestInit }, async (client) => {
    await client.listTools();
    await client.callTool({ name: 'test-tool', arguments: {} });
  });
}

async function token(endpoint: string, form: Record<string, string>, credentials?: string): Promise<string> {
  const headers = credentials ? { authorization: `Basic ${btoa(credentials)}` } : {};
  const { access_token: value } = await json(endpoint, {
    method: 'POST',
    headers,
    body: new URLSearchParams(form),
  });
  if (typeof value !== 'string') throw new Error(`${endpoint} gave no token`);
  return value;
}

async function json(url: string | URL, init?: RequestInit): Promise<Record<string, unknown>> {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>;
}
