import assert from 'node:assert/strict';
import { isSecretName } from '../../src/base/secret-names.ts';

describe('the name of a secret', () => {
  for (const name of [
    'Authorization',
    'Proxy-Authorization',
    'X-Auth',
    'x-authtoken',
    'Cookie',
    'X-API-Key',
    'clientSecret',
    'PGPASSWORD',
    'DB_PASS',
    'GH_PAT',
    'SENTRY_DSN',
    'Mcp-Session-Id',
    'X-Amz-Signature',
    '--access-token',
  ]) {
    it(`is ${name}`, () => assert.ok(isSecretName(name)));
  }

  for (const name of [
    'KEYBOARD',
    'GIT_AUTHOR_NAME',
    'TOKENIZERS_PARALLELISM',
    'PATH',
    'compass',
    'User-Agent',
  ]) {
    it(`is not ${name}`, () => assert.ok(!isSecretName(name)));
  }
});
