import {
  clientCredentials,
  clientCredentialsJwt,
  preRegistration,
  signIn,
} from './authorization-scenarios.ts';
import { crossAppAccess } from './cross-app-access.ts';
import { elicitationDefaults, initialize, sseRetry, toolsCall } from './session-scenarios.ts';
import type { Visit } from './visit.ts';

type Scenario = (visit: Visit) => Promise<void>;

const signInScenarios = [
  '2025-03-26-oauth-endpoint-fallback',
  '2025-03-26-oauth-metadata-backcompat',
  'basic-cimd',
  'metadata-default',
  'metadata-var1',
  'metadata-var2',
  'metadata-var3',
  'offline-access-not-supported',
  'offline-access-scope',
  'resource-mismatch',
  'scope-from-scopes-supported',
  'scope-from-www-authenticate',
  'scope-omitted-when-undefined',
  'scope-retry-limit',
  'scope-step-up',
  'token-endpoint-auth-basic',
  'token-endpoint-auth-none',
  'token-endpoint-auth-post',
];

/** What a client does in each client scenario of the suite, by its name there. */
export const scenarios: ReadonlyMap<string, Scenario> = new Map<string, Scenario>([
  ['initialize', initialize],
  ['tools_call', toolsCall],
  ['elicitation-sep1034-client-defaults', elicitationDefaults],
  ['sse-retry', sseRetry],
  ['auth/pre-registration', preRegistration],
  ['auth/client-credentials-basic', clientCredentials],
  ['auth/client-credentials-jwt', clientCredentialsJwt],
  ['auth/cross-app-access-complete-flow', crossAppAccess],
  ...signInScenarios.map((name): [string, Scenario] => [`auth/${name}`, signIn]),
]);
