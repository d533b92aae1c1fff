import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ResilientTransport } from '../../src/client/index.ts';
import { connected } from '../support/connected.ts';
import { isFailure, wordsOf } from '../support/failure.ts';
import { OAuthPerson } from '../support/oauth-person.ts';
import { dialectNames } from '../support/scripted/dialects.ts';
import { jsonReply } from '../support/scripted/reply.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { guarded } from '../support/signed-in.ts';

const keys = Array.from({ length: 10 }, (_, index) => `k${index}`);
const answers = keys.map((key) => `ran ${key}`);

describe('a lost session is no matter of authorization', () => {
  for (const dialect of dialectNames) {
    it(`and begins no OAuth when it is said as ${dialect}`, async () => {
      await using world = await guarded();
      const { server, oauth, person } = world;
      await using scenario = await world.signedIn();
      const before = oauth.requests.length;
      server.forgetSessions(dialect);
      assert.deepEqual(await Promise.all(keys.map((key) => scenario.call('count', key))), answers);
      assert.equal(oauth.requests.length, before);
      assert.equal(person.sentTo.length, 1);
      assert.deepEqual(server.ranTwice, []);
    });
  }

  it('and 401 in session wording without a challenge heals without an authProvider as well', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    server.forgetSessions('401-text');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(scenario.transport.snapshot().generation, 2);
  });

  it('and 401 in words that nobody has listed, without a challenge: no page, and an answer', async () => {
    await using world = await guarded();
    const { server, person } = world;
    await using scenario = await world.signedIn();
    await scenario.fact('streamOpened');
    server.forgetSessions({ status: 401, body: 'Unauthorized' });
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(person.sentTo.length, 1);
    assert.equal(server.sessions.length, 1);
    assert.deepEqual(server.ranTwice, []);
  });

  it('and 401 in session wording with a challenge is one of authorization', async () => {
    await using world = await guarded();
    const { server, oauth } = world;
    await using scenario = await world.signedIn();
    const { headers } = oauth.challenge(401, 'error="invalid_token"');
    server.answerNext(
      { tool: 'count' },
      { status: 401, ...(headers && { headers }), body: 'Session not found' },
    );
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(oauth.asked.refresh_token, 1);
    assert.equal(server.count({ rpc: 'initialize' }), 2);
  });
});

describe('authorization that is lost during an outage', () => {
  it('is shown as such, asks for one sign-in however often is tried, and heals by itself after it', async () => {
    await using world = await guarded();
    const { server, oauth, person } = world;
    await using scenario = await world.signedIn();
    await scenario.fact('streamOpened');
    await server.refuseConnections();
    const waiting = scenario.call('count', 'a');
    await scenario.state(({ status }) => status === 'unreachable');
    oauth.revokeAll();
    server.forgetSessions('404-json');
    await server.acceptConnections();
    await scenario.state(({ status, trouble }) => status === 'down' && /sign in/.test(trouble ?? ''));
    assert.equal(await waiting, 'UNAUTHORIZED');
    assert.equal(await scenario.call('count', 'b'), 'UNAUTHORIZED');
    const tried = server.count({});
    await server.ended({}, tried + 5);
    assert.equal(person.sentTo.length, 2);
    await scenario.transport.finishAuth(await person.signIn());
    await scenario.state(({ status, generation }) => status === 'ready' && generation === 2);
    assert.equal(await scenario.call('count', 'c'), 'ran c');
    assert.equal(server.runs(), 1);
  });

  it('with the session kept: the same, the session is the old one, and finishAuth is enough to go on', async () => {
    await using world = await guarded();
    const { server, oauth, person } = world;
    await using scenario = await world.signedIn({ recovery: { probeIntervalMs: 3_600_000 } });
    await scenario.fact('streamOpened');
    await server.refuseConnections();
    const waiting = scenario.call('peek', 'a');
    await scenario.state(({ status }) => status === 'unreachable');
    oauth.revokeAll();
    await server.acceptConnections();
    assert.equal(await waiting, 'UNAUTHORIZED');
    await scenario.state(({ status }) => status === 'down');
    await scenario.transport.finishAuth(await person.signIn());
    await scenario.state(({ status }) => status === 'ready');
    assert.equal(scenario.transport.snapshot().generation, 1);
    assert.equal(await scenario.call('peek', 'b'), 'ran b');
  });

  it('heals as well when somebody else has put good tokens in place', async () => {
    await using world = await guarded();
    const { oauth, person } = world;
    await using scenario = await world.signedIn();
    await scenario.fact('streamOpened');
    oauth.revokeAll();
    assert.equal(await scenario.call('count', 'a'), 'UNAUTHORIZED');
    await scenario.state(({ status }) => status === 'down');
    const neighbour = new OAuthPerson();
    const elsewhere = new ResilientTransport(world.server.url, { authProvider: neighbour });
    await assert.rejects(new Client({ name: 'elsewhere', version: '1.0.0' }).connect(elsewhere));
    await elsewhere.finishAuth(await neighbour.signIn());
    person.saveTokens(neighbour.tokens() ?? assert.fail('no tokens'));
    await scenario.state(({ status }) => status === 'ready');
    assert.equal(await scenario.call('count', 'b'), 'ran b');
  });
});

describe('an authorization server that does not answer', () => {
  for (const how of ['refuses connections', 'is busy', 'gives no tokens'] as const) {
    it(`and ${how} makes calls wait; nobody is asked to sign in, and they are answered when it is back`, async () => {
      await using world = await guarded();
      const { server, oauth, person } = world;
      await using scenario = await world.signedIn();
      oauth.expireAccess();
      if (how === 'refuses connections') await oauth.pause();
      else oauth.mood = how === 'is busy' ? 'busy' : 'no tokens';
      const calling = keys.map((key) => scenario.call('count', key));
      await scenario.fact('attemptFailed', 2);
      assert.match(scenario.transport.snapshot().trouble ?? '', /authorization server did not answer/);
      oauth.mood = 'well';
      if (how === 'refuses connections') await oauth.resume();
      assert.deepEqual(await Promise.all(calling), answers);
      assert.equal(person.sentTo.length, 1);
      assert.equal(oauth.asked.refresh_token, 1);
      assert.deepEqual(server.ranTwice, []);
    });
  }

  it('and takes requests without an end: each is given up in time, and close() waits for none', async () => {
    await using world = await guarded();
    const { oauth, person } = world;
    const scenario = await world.signedIn({ authorizationTimeoutMs: 20, patienceMs: 100 });
    oauth.expireAccess();
    oauth.mood = 'stuck';
    const failure = await scenario.client
      .callTool({ name: 'count', arguments: { key: 'a' } })
      .catch((error) => error);
    assert.ok(isFailure(failure, 'SERVER_UNAVAILABLE'), String(failure));
    assert.match(failure.message, /no answer within 20 ms/);
    assert.equal(person.sentTo.length, 1);
    await scenario.client.close();
  });

  it('holds up neither a caller who gives up nor close(), and nothing is left open', async () => {
    await using world = await guarded();
    const { oauth } = world;
    const scenario = await world.signedIn({ authorizationTimeoutMs: 3_600_000 });
    await scenario.fact('streamOpened');
    oauth.expireAccess();
    oauth.mood = 'stuck';
    const asked = oauth.requests.length;
    const caller = new AbortController();
    const { client } = scenario;
    const givenUp = client.callTool({ name: 'count', arguments: { key: 'a' } }, undefined, {
      signal: caller.signal,
    });
    const calling = scenario.call('count', 'b');
    await oauth.received(asked + 1);
    caller.abort();
    await assert.rejects(givenUp);
    await scenario.fact('requestCancelled');
    await client.close();
    assert.match(await calling, /closed/i);
    await oauth.idle();
  });
});

describe('headers of the user', () => {
  const challenge = { 'www-authenticate': 'Bearer error="invalid_token"' };
  const refused = jsonReply(401, { error: 'invalid_token', error_description: 'it has expired' }, challenge);

  it('that the server does not take end in a typed error in its words, and in no OAuth', async () => {
    await using server = await ScriptedServer.start();
    const requestInit = { headers: { authorization: 'Bearer static-and-old' } };
    await using scenario = await connected(server.url, { requestInit });
    const rule = server.answerAlways({ method: 'POST' }, refused);
    const failure = await scenario.client
      .callTool({ name: 'count', arguments: { key: 'a' } })
      .catch((error) => error);
    assert.ok(isFailure(failure, 'UNAUTHORIZED'), String(failure));
    assert.match(failure.message, /it has expired/);
    assert.match(wordsOf(failure), /Authorization header/);
    rule.dispose();
    assert.equal(await scenario.call('count', 'b'), 'ran b');
  });

  it('are made anew for each request, also for those of a recovery', async () => {
    await using server = await ScriptedServer.start();
    let token = 'first-token';
    await using scenario = await connected(server.url, {
      headers: () => ({ authorization: `Bearer ${token}` }),
    });
    token = 'second-token';
    await server.restart('404-json');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    const last = server.requests.findLast(({ rpc }) => rpc === 'initialize');
    assert.equal(last?.headers.authorization, 'Bearer second-token');
  });

  it('are made once more for a request that was refused, and it is sent again if they differ', async () => {
    await using server = await ScriptedServer.start();
    let made = 0;
    const headers = async () => ({ authorization: `Bearer token-number-${made}` });
    await using scenario = await connected(server.url, { headers });
    await scenario.fact('streamOpened');
    server.answerAlways(
      ({ headers: { authorization } }) => authorization === 'Bearer token-number-0',
      () => {
        made = 1;
        return refused;
      },
    );
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(server.count({ tool: 'count' }), 2);
  });

  it('that can not be made keep the request waiting, and nothing is sent without them', async () => {
    await using server = await ScriptedServer.start();
    let isBroken = false;
    const headers = async () => {
      if (isBroken) throw new Error('the vault is sealed');
      return { authorization: 'Bearer from-the-vault' };
    };
    await using scenario = await connected(server.url, { headers });
    await scenario.fact('streamOpened');
    isBroken = true;
    const before = server.requests.length;
    const calling = scenario.call('count', 'a');
    await scenario.fact('attemptFailed', 2);
    assert.match(
      scenario.transport.snapshot().trouble ?? '',
      /headers\(\) gave no headers: the vault is sealed/,
    );
    server.closeGetStreams();
    await scenario.fact('streamEnded');
    assert.equal(server.requests.length, before);
    isBroken = false;
    assert.equal(await calling, 'ran a');
  });
});
