import {
  ClientCredentialsProvider,
  PrivateKeyJwtProvider,
} from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { OAuthPerson } from '../support/oauth-person.ts';
import { connectAnd, signInAnd, textIn, type Visit } from './visit.ts';

/** The client id that `auth/basic-cimd` expects of a client that is described by a document. */
const CLIENT_METADATA_URL = 'https://conformance-test.local/client-metadata.json';

/** A person signs in; then a list and a call. Most of the scenarios are this one over another server. */
export function signIn(visit: Visit): Promise<void> {
  return signInAnd(
    visit,
    new OAuthPerson({ clientMetadataUrl: CLIENT_METADATA_URL }),
    (client) => client.listTools(),
    (client) => client.callTool({ name: 'test-tool', arguments: {} }),
  );
}

/** `auth/pre-registration`: the same with credentials that were registered beforehand. */
export function preRegistration(visit: Visit): Promise<void> {
  const registered = { client_id: textIn(visit, 'client_id'), client_secret: textIn(visit, 'client_secret') };
  return signInAnd(visit, new OAuthPerson({ registered }), (client) => client.listTools());
}

/** `auth/client-credentials-basic`: no person; a client with a secret. */
export function clientCredentials(visit: Visit): Promise<void> {
  const authProvider = new ClientCredentialsProvider({
    clientId: textIn(visit, 'client_id'),
    clientSecret: textIn(visit, 'client_secret'),
  });
  return connectAnd(visit, { authProvider }, (client) => client.listTools());
}

/** `auth/client-credentials-jwt`: no person; a client that signs who it is. */
export function clientCredentialsJwt(visit: Visit): Promise<void> {
  const { signing_algorithm: algorithm } = visit.context;
  const authProvider = new PrivateKeyJwtProvider({
    clientId: textIn(visit, 'client_id'),
    privateKey: textIn(visit, 'private_key_pem'),
    algorithm: typeof algorithm === 'string' ? algorithm : 'ES256',
  });
  return connectAnd(visit, { authProvider }, (client) => client.listTools());
}
