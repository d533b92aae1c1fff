import assert from 'node:assert/strict';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ResilientTransport, type ResilientTransportOptions } from '../../src/client/index.ts';
import { connected } from '../support/connected.ts';
import { OAuthPerson } from '../support/oauth-person.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

const URL = 'http://127.0.0.1:1/mcp';

/** Options that no program in TypeScript could give, and what the error has to name. */
const unusable: readonly (readonly [given: unknown, names: RegExp])[] = [
  ['30000', /options must be an object/],
  [{ patienceMs: '30000' }, /^patienceMs must be a number from 0 on/],
  [{ patienceMs: -1 }, /^patienceMs /],
  [{ patienceMs: Number.NaN }, /^patienceMs /],
  [{ connectPatienceMs: null }, /^connectPatienceMs /],
  [{ closeTimeoutMs: -5 }, /^closeTimeoutMs /],
  [{ idlePingMs: true }, /^idlePingMs /],
  [{ limits: { maxBodyBytes: 0 } }, /^limits\.maxBodyBytes must be a number from 1 on/],
  [{ limits: 7 }, /^limits must be an object/],
  [{ recovery: { maxUnprovenSessions: 0 } }, /^recovery\.maxUnprovenSessions /],
  [{ recovery: { attemptTimeoutMs: 0 } }, /^recovery\.attemptTimeoutMs /],
  [{ replay: { default: 'sometimes' } }, /^replay\.default must be 'hints', 'always' or 'never'/],
  [{ replay: { tools: { book: true } } }, /^replay\.tools\.book must be/],
  [{ takeOver: 'yes' }, /^takeOver must be true or false/],
  [{ environment: { random: 0.5 } }, /^environment\.random must be a function/],
];

const unusableOverHttp: typeof unusable = [
  [{ proofAfterMs: '1s' }, /^proofAfterMs /],
  [{ authorizationTimeoutMs: 0 }, /^authorizationTimeoutMs must be a number from 1 on/],
  [
    { reconnectionOptions: { initialReconnectionDelay: -1 } },
    /^reconnectionOptions\.initialReconnectionDelay /,
  ],
  [{ unclearAnswers: 'guess' }, /^unclearAnswers must be 'ask' or 'ignore'/],
  [{ endSessionOnClose: 0 }, /^endSessionOnClose must be true or false/],
  [{ headers: { authorization: 'Bearer secret' } }, /^headers must be a function.*requestInit\.headers/],
  [{ fetch: 'node-fetch' }, /^fetch must be a function/],
  [{ requestInit: 'POST' }, /^requestInit must be an object/],
  [
    { authorizationAllows: { origins: 'https://a.example' } },
    /^authorizationAllows\.origins must be a list of origins/,
  ],
  [{ authorizationAllows: { origins: ['https://a.example/path'] } }, /^authorizationAllows\.origins /],
  [
    { authorizationAllows: { pageSchemes: ['smb'] } },
    /^authorizationAllows\.pageSchemes must be a list of schemes/,
  ],
  [{ authorizationAllows: { issuers: [7] } }, /^authorizationAllows\.issuers /],
  [{ sessionId: 17 }, /^sessionId must be visible ASCII/],
  [{ sessionId: 'a b' }, /^sessionId must be visible ASCII/],
  [{ resume: 'abc' }, /^resume must be an object/],
  [{ authProvider: () => 'secret' }, /^authProvider must be an OAuthClientProvider/],
  [{ authProvider: { token: async () => 'secret' } }, /^authProvider .*"tokens".*headers/],
];

describe('options of the client that cannot be used', () => {
  const refused = (message: RegExp) => (error: Error) => {
    assert.equal((error as { code?: string }).code, 'INVALID_CONFIGURATION');
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  };
  for (const [given, names] of [...unusable, ...unusableOverHttp]) {
    it(`are refused, with the key: ${JSON.stringify(given, (_, v) => (typeof v === 'function' ? 'function' : Number.isNaN(v) ? 'NaN' : v))}`, () => {
      assert.throws(() => new ResilientTransport(URL, given as ResilientTransportOptions), refused(names));
    });
  }

  it('are refused over another transport as well', () => {
    const make = () => assert.fail('no transport is to be made') as Transport;
    for (const [given, names] of unusable)
      assert.throws(() => ResilientTransport.over(make, given as ResilientTransportOptions), refused(names));
  });
});

describe('options of the client that can', () => {
  it('go from zero to "never", and may be given as undefined', async () => {
    const never = Number.POSITIVE_INFINITY;
    const given = {
      patienceMs: 0,
      connectPatienceMs: never,
      idlePingMs: 0,
      busyPingMs: 0,
      silenceLimitMs: 0,
      proofAfterMs: never,
      closeTimeoutMs: 0,
      recovery: { initialDelayMs: 0, maxDelayMs: 0, budget: never },
      limits: { maxPendingRequests: never },
      requestInit: { headers: [['x-a', 'b']] },
      sessionId: 'a-session',
      authProvider: new OAuthPerson(),
      // Of the SDK's transports, and without meaning here.
      redirectPolicy: 'same-origin',
    } satisfies Record<string, unknown>;
    await new ResilientTransport(URL, given as unknown as ResilientTransportOptions).close();
    const none = Object.fromEntries(Object.keys(given).map((key) => [key, undefined]));
    await new ResilientTransport(URL, none as ResilientTransportOptions).close();
  });

  it('have their defaults where a member of a group is undefined', async () => {
    await using server = await ScriptedServer.start();
    const limits = { maxPendingRequests: undefined, maxBodyBytes: undefined, maxEventLength: undefined };
    const replay = { default: undefined, tools: undefined };
    const recovery = { attemptTimeoutMs: undefined, budget: undefined };
    const given = { limits, replay, recovery } as unknown as ResilientTransportOptions;
    await using scenario = await connected(server.url, given);
    server.forgetSessions('404-json');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
  });
});
