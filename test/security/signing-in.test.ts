import assert from 'node:assert/strict';
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ResilientTransport, type ResilientTransportOptions } from '../../src/client/index.ts';
import { quick } from '../support/connected.ts';
import { isFailure, wordsOf } from '../support/failure.ts';
import { OAuthPerson } from '../support/oauth-person.ts';
import { OAuthServer } from '../support/oauth-server.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { guarded } from '../support/signed-in.ts';

/** What stands for a server of the public internet; there is none in these tests. */
const REMOTE = 'https://mcp.example/mcp';

/** Metadata of an authorization server that is well. */
const metadata = (issuer: string, more: Record<string, unknown> = {}) => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  registration_endpoint: `${issuer}/register`,
  response_types_supported: ['code'],
  code_challenge_methods_supported: ['S256'],
  ...more,
});

interface World {
  /** The address of the metadata of the resource in the challenge. Default: the server's own. */
  readonly resourceMetadata?: string;
  /** The authorization server that this metadata names. Default `https://login.example`. */
  readonly names?: string;
  /** What is answered at an address, as JSON. */
  readonly answers?: Readonly<Record<string, unknown>>;
}

/** Tries to connect to a server somewhere, over a network that is all made up; gives what was asked, and what came of it. */
async function trying(
  { resourceMetadata, names = 'https://login.example', answers = {} }: World,
  { url = REMOTE, person = new OAuthPerson(), ...options }: Try = {},
) {
  const { origin } = new URL(url);
  const ownMetadata = `${origin}/.well-known/oauth-protected-resource`;
  const challenge = `Bearer error="invalid_token", resource_metadata="${resourceMetadata ?? ownMetadata}"`;
  const asked: string[] = [];
  const all: Readonly<Record<string, unknown>> = {
    [resourceMetadata ?? ownMetadata]: { resource: url, authorization_servers: [names] },
    'https://login.example/.well-known/oauth-authorization-server': metadata('https://login.example'),
    'https://login.example/register': { client_id: 'c', redirect_uris: ['http://127.0.0.1:1/callback'] },
    ...answers,
  };
  const network: ResilientTransportOptions['fetch'] = async (given) => {
    const { href } = new URL(given);
    if (href === url) return Response.json({}, { status: 401, headers: { 'www-authenticate': challenge } });
    asked.push(href);
    return href in all ? Response.json(all[href]) : new Response(null, { status: 404 });
  };
  const transport = new ResilientTransport(url, {
    ...quick,
    fetch: network,
    authProvider: person,
    ...options,
  });
  const error = await new Client({ name: 'c', version: '1' }).connect(transport).catch((e: unknown) => e);
  return { asked, error, words: wordsOf(error), pages: person.sentTo.map(({ href }) => href), transport };
}

interface Try extends Partial<ResilientTransportOptions> {
  readonly url?: string;
  readonly person?: OAuthPerson;
}

describe('an address that a server names for its authorization', () => {
  it('is asked where it is https and public, or its own', async () => {
    const { asked, pages, error } = await trying({});
    assert.ok(isFailure(error, 'UNAUTHORIZED'));
    assert.ok(asked.includes('https://login.example/register'));
    assert.match(pages[0] ?? '', /^https:\/\/login\.example\/authorize\?/);
  });

  for (const place of [
    'http://169.254.169.254/latest/meta-data',
    'https://169.254.169.254/latest/meta-data',
    'https://2852039166/',
    'https://[::ffff:a9fe:a9fe]/',
    'http://127.0.0.1:8080/',
    'https://localhost/',
    'https://[::1]/',
    'https://10.0.0.1/',
    'https://0x0a.1/',
    'https://[fd00::1]/',
    'https://metadata.google.internal/',
    'http://login.example/',
    'file:///etc/passwd',
    'data:application/json,{"resource":"https://mcp.example/mcp"}',
  ]) {
    const shown = new URL(place);
    const named = `names ${shown.host ? `${shown.protocol}//${shown.host}` : shown.protocol} `;

    it(`is not asked as resource_metadata: ${place}`, async () => {
      const { asked, error, words, pages } = await trying({ resourceMetadata: place });
      assert.ok(isFailure(error, 'UNAUTHORIZED'), String(error));
      assert.ok(words.includes(named), words);
      assert.deepEqual([asked, pages], [[], []]);
    });

    it(`is not asked as authorization server: ${place}`, async () => {
      const { asked, error, words, pages } = await trying({ names: place });
      assert.ok(isFailure(error, 'UNAUTHORIZED'), String(error));
      // What the SDK finds to be no address at all it passes over, and asks the server itself.
      if (shown.host) assert.ok(words.includes(named), words);
      assert.ok(asked.every((each) => each.startsWith('https://mcp.example/')));
      assert.deepEqual(pages, []);
    });
  }

  for (const endpoint of ['registration_endpoint', 'token_endpoint']) {
    it(`is not asked as ${endpoint}, and nobody is sent to a page`, async () => {
      const person = new OAuthPerson(endpoint === 'token_endpoint' ? { registered: { client_id: 'c' } } : {});
      person.saveTokens({ access_token: 'old', token_type: 'bearer', refresh_token: 'rotten' });
      const evil = metadata('https://login.example', { [endpoint]: 'https://192.168.1.1/admin' });
      const answers = { 'https://login.example/.well-known/oauth-authorization-server': evil };
      const { asked, words, pages } = await trying({ answers }, { person });
      assert.match(words, /names https:\/\/192\.168\.1\.1 /);
      assert.ok(!asked.some((each) => each.includes('192.168')));
      assert.deepEqual(pages, []);
    });
  }

  it('on this machine is asked by http where the server is on this machine too', async () => {
    const names = 'http://localhost:4000';
    const answers = {
      'http://localhost:4000/.well-known/oauth-authorization-server': metadata(names),
      'http://localhost:4000/register': { client_id: 'c', redirect_uris: ['http://127.0.0.1:1/callback'] },
    };
    const { pages } = await trying({ names, answers }, { url: 'http://127.0.0.1:3000/mcp' });
    assert.match(pages[0] ?? '', /^http:\/\/localhost:4000\/authorize/);
  });

  it('is asked all the same where the user names its origin, and no other is', async () => {
    const names = 'http://10.0.0.7:8080';
    const answers = {
      'http://10.0.0.7:8080/.well-known/oauth-authorization-server': metadata(names),
      'http://10.0.0.7:8080/register': { client_id: 'c', redirect_uris: ['http://127.0.0.1:1/callback'] },
    };
    const refused = await trying({ names, answers });
    assert.match(refused.words, /http:\/\/10\.0\.0\.7:8080 in authorizationAllows\.origins/);
    const authorizationAllows = { origins: ['http://10.0.0.7:8080'] };
    const { pages } = await trying({ names, answers }, { authorizationAllows });
    assert.match(pages[0] ?? '', /^http:\/\/10\.0\.0\.7:8080\/authorize/);
    const other = await trying({ names: 'http://10.0.0.8:8080' }, { authorizationAllows });
    assert.match(other.words, /10\.0\.0\.8/);
  });
});

describe('the page on which a person is to sign in', () => {
  const withPage = (page: string, options?: Try) => {
    const answers = {
      'https://login.example/.well-known/oauth-authorization-server': metadata('https://login.example', {
        authorization_endpoint: page,
      }),
    };
    return trying({ answers }, options);
  };

  for (const page of [
    'ms-msdt:/id PCWDiagnostic',
    'smb://files.example/share',
    'file:///etc/passwd',
    'vscode://some.extension/run',
    'vbscript:x',
    'http://login.example/authorize',
    'http://10.0.0.1/authorize',
  ]) {
    it(`is not opened: ${page}`, async () => {
      const { error, pages, words } = await withPage(page);
      assert.ok(isFailure(error, 'UNAUTHORIZED'), String(error));
      assert.deepEqual(pages, []);
      if (!page.startsWith('vb')) assert.match(words, /The page to sign in on is .*, and not https/);
    });
  }

  it('is opened by http on this machine, and by a scheme that the user names', async () => {
    assert.equal((await withPage('http://127.0.0.1:9/authorize')).pages.length, 1);
    const refused = await withPage('com.example.idp:/authorize');
    assert.match(refused.words, /com\.example\.idp: in authorizationAllows\.pageSchemes/);
    const authorizationAllows = { pageSchemes: ['com.example.idp:'] };
    assert.equal((await withPage('com.example.idp:/authorize', { authorizationAllows })).pages.length, 1);
  });
});

describe('an authorization server that calls itself another', () => {
  const answers = {
    'https://login.example/.well-known/oauth-authorization-server': metadata('https://login.example', {
      issuer: 'https://bank.example',
    }),
  };

  it('is not registered with, and nobody is sent to it (RFC 8414, 3.3)', async () => {
    const { asked, error, words, pages } = await trying({ answers });
    assert.ok(isFailure(error, 'UNAUTHORIZED'), String(error));
    assert.match(words, /at https:\/\/login\.example calls itself "https:\/\/bank\.example"/);
    assert.ok(!asked.some((each) => each.endsWith('/register')));
    assert.deepEqual(pages, []);
  });

  it('is taken where the user names that issuer', async () => {
    const authorizationAllows = { issuers: ['https://bank.example'] };
    assert.equal((await trying({ answers }, { authorizationAllows })).pages.length, 1);
  });

  it('is taken where it is the server itself, by another path (MCP 2025-03-26), and not by another origin', async () => {
    const names = 'https://mcp.example';
    const at = `${names}/.well-known/oauth-authorization-server`;
    const registered = {
      [`${names}/register`]: { client_id: 'c', redirect_uris: ['http://127.0.0.1:1/callback'] },
    };
    const own = { ...registered, [at]: metadata(names, { issuer: `${names}/oauth` }) };
    assert.equal((await trying({ names, answers: own })).pages.length, 1);
    const other = { ...registered, [at]: metadata(names, { issuer: 'https://bank.example' }) };
    assert.equal((await trying({ names, answers: other })).pages.length, 0);
  });

  it('is looked up again where it was kept', async () => {
    const person = new OAuthPerson();
    const kept = {
      authorizationServerUrl: 'https://login.example',
      authorizationServerMetadata: metadata('https://bank.example'),
    };
    const provider: OAuthClientProvider = Object.assign(person, { discoveryState: () => kept });
    const { asked, pages } = await trying({}, { authProvider: provider, person });
    assert.ok(asked.includes('https://login.example/.well-known/oauth-authorization-server'));
    assert.match(pages[0] ?? '', /^https:\/\/login\.example\//);
  });
});

describe('the answer that a browser brings back', () => {
  it('is taken as a code, or whole; with another issuer, or none from who names itself, its code is not used (RFC 9207)', async () => {
    await using server = await ScriptedServer.start();
    await using oauth = await OAuthServer.start(server.url);
    oauth.protect(server);
    const supporting: ResilientTransportOptions['fetch'] = async (url, init) => {
      const response = await fetch(url, init);
      if (!String(url).includes('oauth-authorization-server')) return response;
      return Response.json({
        ...((await response.json()) as object),
        authorization_response_iss_parameter_supported: true,
      });
    };
    const finishing = async (answer: (code: string) => Parameters<ResilientTransport['finishAuth']>) => {
      const person = new OAuthPerson();
      const options = { ...quick, authProvider: person, fetch: supporting };
      const transport = new ResilientTransport(server.url, options);
      const client = new Client({ name: 'c', version: '1' });
      await client.connect(transport).catch(() => {});
      const used = oauth.asked.authorization_code;
      const error = await transport.finishAuth(...answer(await person.signIn())).then(
        () => undefined,
        (e: unknown) => e,
      );
      return { error, hasUsedCode: oauth.asked.authorization_code > used };
    };
    const query = (fields: Record<string, string>) => new URLSearchParams(fields);
    for (const answer of [
      (code: string) => [code] as const,
      (code: string) => [code, oauth.url] as const,
      (code: string) => [query({ code, iss: oauth.url })] as const,
    ])
      assert.deepEqual(await finishing((code) => [...answer(code)]), { error: undefined, hasUsedCode: true });
    for (const answer of [
      (code: string) => [code, 'https://bank.example'] as const,
      (code: string) => [query({ code, iss: 'https://bank.example' })] as const,
      (code: string) => [query({ code, iss: oauth.url.slice(0, -1) })] as const,
      (code: string) => [query({ code })] as const,
    ]) {
      const { error, hasUsedCode } = await finishing((code) => [...answer(code)]);
      assert.ok(isFailure(error, 'UNAUTHORIZED'), String(error));
      assert.match(error.message, /names .* as its authorization server, and .* was asked/);
      assert.equal(hasUsedCode, false);
    }
    const { error } = await finishing(() => [
      query({ error: 'access_denied', error_description: 'Call 555' }),
    ]);
    assert.ok(isFailure(error, 'UNAUTHORIZED'));
    assert.match(error.message, /not completed: access_denied\.$/);
  });

  it('may be brought again after one that was no good', async () => {
    await using world = await guarded();
    const { transport } = await world.refused();
    await assert.rejects(transport.finishAuth(new URLSearchParams({ error: 'access_denied' })));
    await using scenario = await world.signedIn();
    assert.equal(await scenario.call('count', 'a'), 'ran a');
  });
});
