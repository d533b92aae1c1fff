import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ImportedEntry } from '../../../src/config/import/found-server.ts';
import { extractSecrets } from '../../../src/config/import/literal-secrets.ts';
import { readServers } from '../../../src/config/import/read-servers.ts';
import { example, placeholder } from './examples.ts';

/** The entry without secrets, and the secrets by the place where they stood. */
function found(entry: ImportedEntry): { entry: ImportedEntry; secrets: Record<string, string> } {
  const { entry: without, secrets } = extractSecrets(entry, (place) => `id-of-${place}`);
  return { entry: without, secrets: Object.fromEntries(secrets.map(({ place, value }) => [place, value])) };
}

const input = (place: string) => placeholder(`input:id-of-${place}`);
const url = 'https://api.example.com/mcp';

describe('secrets in the configuration of other clients', () => {
  it('are found in headers, behind the scheme', () => {
    const headers = {
      Authorization: 'Bearer abc',
      'X-API-Key': 'def',
      CONTEXT7_API_KEY: 'ghi',
      'X-MCP-Toolsets': 'issues',
      'User-Agent': 'me',
      'X-Plain': 'ghp_0123456789abcdefghij',
    };
    assert.deepEqual(found({ type: 'http', url, headers }), {
      entry: {
        type: 'http',
        url,
        headers: {
          Authorization: `Bearer ${input('Authorization')}`,
          'X-API-Key': input('X-API-Key'),
          CONTEXT7_API_KEY: input('CONTEXT7_API_KEY'),
          'X-MCP-Toolsets': 'issues',
          'User-Agent': 'me',
          'X-Plain': input('X-Plain'),
        },
      },
      secrets: {
        Authorization: 'abc',
        'X-API-Key': 'def',
        CONTEXT7_API_KEY: 'ghi',
        'X-Plain': 'ghp_0123456789abcdefghij',
      },
    });
  });

  it('are found in the query of a URL', () => {
    const { entry, secrets } = found({ type: 'sse', url: `${url}?team=a&tavilyApiKey=tvly-1#top` });
    assert.deepEqual(entry, { type: 'sse', url: `${url}?team=a&tavilyApiKey=${input('tavilyApiKey')}#top` });
    assert.deepEqual(secrets, { tavilyApiKey: 'tvly-1' });
  });

  it('are found in variables, by name or by what they are', () => {
    const env = {
      GITHUB_PERSONAL_ACCESS_TOKEN: 'a',
      OPENAI_KEY: 'b',
      clientSecret: 'c',
      PGPASSWORD: 'd',
      GH_PAT: 'e',
      DATABASE_URL: 'postgresql://me:pass@db/main',
      SLACK: 'xoxb-12345678-abcdef',
      PORT: '3000',
      KEYBOARD: 'de',
      GIT_AUTHOR_NAME: 'Maria',
      HOME_PAGE: 'https://example.com:8080/path',
    };
    const { entry, secrets } = found({ type: 'stdio', command: 'a', env });
    assert.deepEqual(secrets, {
      GITHUB_PERSONAL_ACCESS_TOKEN: 'a',
      OPENAI_KEY: 'b',
      clientSecret: 'c',
      PGPASSWORD: 'd',
      GH_PAT: 'e',
      DATABASE_URL: 'pass',
      SLACK: 'xoxb-12345678-abcdef',
    });
    assert.ok(entry.type === 'stdio');
    assert.equal(entry.env?.DATABASE_URL, `postgresql://me:${input('DATABASE_URL')}@db/main`);
    assert.equal(entry.env?.KEYBOARD, 'de');
  });

  it('are found in arguments', () => {
    const args = [
      '-y',
      '--api-key',
      'one',
      '--access-token=two',
      '-e',
      'STRIPE_SECRET=three',
      '--header',
      'Authorization: Bearer four',
      'postgresql://me:five@localhost/db',
      'sk-0123456789abcdef',
      '--key',
      '--verbose',
      'C:\\Users\\maria',
      'https://example.com/mcp',
    ];
    const { entry, secrets } = found({ type: 'stdio', command: 'npx', args });
    assert.deepEqual(Object.values(secrets), ['one', 'two', 'three', 'four', 'five', 'sk-0123456789abcdef']);
    assert.ok(entry.type === 'stdio');
    assert.deepEqual(entry.args, [
      '-y',
      '--api-key',
      input('--api-key'),
      `--access-token=${input('--access-token')}`,
      '-e',
      `STRIPE_SECRET=${input('STRIPE_SECRET')}`,
      '--header',
      `Authorization: Bearer ${input('Authorization')}`,
      `postgresql://me:${input('argument 9')}@localhost/db`,
      input('argument 10'),
      '--key',
      '--verbose',
      'C:\\Users\\maria',
      'https://example.com/mcp',
    ]);
  });

  it('are not what a placeholder or a manual stands for', () => {
    const entry: ImportedEntry = {
      type: 'http',
      url: `${url}?key=${placeholder('env:KEY')}`,
      headers: {
        Authorization: `Bearer ${placeholder('input:token')}`,
        'X-Key': '<YOUR KEY>',
        'X-Token': '',
      },
    };
    assert.deepEqual(found(entry), { entry, secrets: {} });
  });

  it('are found in the examples of the clients', () => {
    const of = (format: 'claude-desktop' | 'cursor' | 'windsurf' | 'cline') =>
      readServers(example(format), format).servers.flatMap(({ name, entry }) =>
        Object.keys(found(entry).secrets).map((place) => `${name} ${place}`),
      );
    assert.deepEqual(of('claude-desktop'), ['brave-search BRAVE_API_KEY', 'linear Authorization']);
    assert.deepEqual(of('cursor'), ['context7 CONTEXT7_API_KEY']);
    assert.deepEqual(of('windsurf'), []);
    assert.deepEqual(of('cline'), ['remote Authorization']);
  });

  it('are never left in the entry, and are put back by their placeholders', () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9]{20,30}$/);
    fc.assert(
      fc.property(secret, fc.constantFrom('API_KEY', 'x-token', 'Authorization'), (value, name) => {
        const entries: ImportedEntry[] = [
          { type: 'http', url, headers: { [name]: `Bearer ${value}` } },
          { type: 'http', url: `${url}?${name}=${value}` },
          { type: 'stdio', command: 'a', env: { [name]: value } },
          { type: 'stdio', command: 'a', args: [`--${name}`, value] },
        ];
        for (const entry of entries) {
          const { entry: without, secrets } = extractSecrets(entry, () => 'id');
          const text = JSON.stringify(without);
          assert.ok(!text.includes(value), text);
          assert.equal(text.replace(placeholder('input:id'), secrets[0]?.value ?? ''), JSON.stringify(entry));
        }
      }),
    );
  });
});
