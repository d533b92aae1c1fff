import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { systemClock } from '../../src/base/environment.ts';
import { ResilientTransport } from '../../src/client/index.ts';
import { connected, quick } from '../support/connected.ts';
import { codeOf, isFailure, statusOf } from '../support/failure.ts';
import type { RequestRecord } from '../support/scripted/request.ts';
import { textOf } from '../support/sdk-client.ts';
import { type Guarded, guarded } from '../support/signed-in.ts';

const CALLS = 25;
const keys = Array.from({ length: CALLS }, (_, index) => `k${index}`);
const answers = keys.map((key) => `ran ${key}`);

describe('a server that wants a person to sign in', () => {
  it('ends the connect in words, and the page is opened once; after finishAuth a new connect is let in', async () => {
    await using world = await guarded();
    const { transport, error } = await world.refused();
    assert.equal(error.code, 'UNAUTHORIZED');
    assert.equal(error.status, 401);
    assert.match(error.message, /wants a person to sign in/);
    assert.match(error.advice ?? '', /Sign in/);
    assert.equal(world.person.sentTo.length, 1);
    await transport.finishAuth(await world.person.signIn());
    await using scenario = await connected(world.server.url, { authProvider: world.person });
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(world.person.sentTo.length, 1);
    assert.equal(world.oauth.asked.authorization_code, 1);
  });

  it('is waited for where the connect has no end, asked once, and the connect goes on when finishAuth is called', async () => {
    await using world = await guarded();
    const { server, person } = world;
    const options = { ...quick, authProvider: person, connectPatienceMs: Number.POSITIVE_INFINITY };
    const transport = new ResilientTransport(server.url, options);
    const client = new Client({ name: 'scenario', version: '1.0.0' });
    const connecting = client.connect(transport);
    await server.ended({ rpc: 'initialize' }, 5);
    assert.equal(person.sentTo.length, 1);
    await transport.finishAuth(await person.signIn());
    await connecting;
    assert.equal(textOf(await client.callTool({ name: 'count', arguments: { key: 'a' } })), 'ran a');
    await client.close();
  });

  it('refuses a code that is no code in words, and the next connect may ask again', async () => {
    await using world = await guarded();
    const { transport } = await world.refused();
    const failure = await transport.finishAuth('no-such-code').catch((error) => error);
    assert.ok(isFailure(failure, 'UNAUTHORIZED'), String(failure));
    assert.match(failure.message, /not known, or used before/);
    await using scenario = await world.signedIn();
    assert.equal(await scenario.call('count', 'a'), 'ran a');
  });

  it('asks once however many calls are refused, and again only after a reset', async () => {
    await using world = await guarded();
    const { oauth, person } = world;
    await using scenario = await world.signedIn();
    oauth.revokeAll();
    const got = await Promise.all(keys.map((key) => scenario.call('count', key)));
    assert.deepEqual(new Set(got), new Set(['UNAUTHORIZED']));
    assert.equal(await scenario.call('count', 'later'), 'UNAUTHORIZED');
    assert.equal(person.sentTo.length, 2);
    assert.equal(await scenario.transport.resetSession().catch(codeOf), 'UNAUTHORIZED');
    assert.equal(person.sentTo.length, 3);
    await scenario.transport.finishAuth(await person.signIn());
    assert.equal(await scenario.call('count', 'after'), 'ran after');
  });
});

describe('an access token that expires', () => {
  it(`is refreshed once for ${CALLS} calls at once; all are answered, none runs twice`, async () => {
    await using world = await guarded();
    const { server, oauth, person } = world;
    await using scenario = await world.signedIn();
    oauth.expireAccess();
    assert.deepEqual(await Promise.all(keys.map((key) => scenario.call('count', key))), answers);
    assert.equal(oauth.asked.refresh_token, 1);
    assert.equal(person.sentTo.length, 1);
    assert.deepEqual(server.ranTwice, []);
    assert.equal(server.count({ rpc: 'initialize' }), 2);
  });

  it('is refreshed once also when refusals come late, after the refresh', async () => {
    const late = Promise.withResolvers<void>();
    const fetchLate: typeof fetch = async (url, init) => {
      const response = await fetch(url, init);
      if (response.status === 401 && String(init?.body).includes('late')) await late.promise;
      return response;
    };
    await using world = await guarded();
    const { oauth } = world;
    await using scenario = await world.signedIn({ fetch: fetchLate });
    oauth.expireAccess();
    const calling = scenario.call('count', 'late');
    assert.equal(await scenario.call('count', 'early'), 'ran early');
    late.resolve();
    assert.equal(await calling, 'ran late');
    assert.equal(oauth.asked.refresh_token, 1);
  });

  it('is refreshed for the stream of the server, without any call', async () => {
    await using world = await guarded();
    const { server, oauth } = world;
    await using scenario = await world.signedIn();
    await scenario.fact('streamOpened');
    const pings = server.count({ rpc: 'ping' });
    oauth.expireAccess();
    server.closeGetStreams();
    await scenario.fact('streamOpened', 2);
    assert.equal(oauth.asked.refresh_token, 1);
    assert.equal(server.count({ rpc: 'ping' }), pings);
    assert.equal(server.notify('notifications/resources/list_changed'), 1);
  });

  it('is refreshed again when it expires at once: that a stream was let in with it is proof that it was good', async () => {
    await using world = await guarded();
    const { server, oauth, person } = world;
    await using scenario = await world.signedIn();
    await scenario.fact('streamOpened');
    oauth.expireAccess();
    server.closeGetStreams();
    await scenario.fact('streamOpened', 2);
    oauth.expireAccess();
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(oauth.asked.refresh_token, 2);
    assert.equal(person.sentTo.length, 1);
  });

  it('is refreshed for a stream that is resumed, and the call is answered without running again', async () => {
    await using world = await guarded({ server: { style: { eventIds: true } } });
    const { server, oauth } = world;
    await using scenario = await world.signedIn();
    const hold = server.hold({ tool: 'count' });
    const calling = scenario.call('count', 'a');
    await hold.arrived();
    oauth.expireAccess();
    hold.cutStreams('end');
    hold.release();
    assert.equal(await calling, 'ran a');
    assert.equal(server.runs('a'), 1);
    assert.ok(oauth.asked.refresh_token >= 1);
  });

  it('and a session that is lost at the same time: one refresh, one new session, an answer', async () => {
    await using world = await guarded();
    const { server, oauth, person } = world;
    await using scenario = await world.signedIn();
    oauth.expireAccess();
    server.forgetSessions('404-json');
    assert.deepEqual(await Promise.all(keys.map((key) => scenario.call('count', key))), answers);
    assert.equal(oauth.asked.refresh_token, 1);
    assert.equal(person.sentTo.length, 1);
    assert.equal(scenario.transport.snapshot().generation, 2);
    assert.deepEqual(server.ranTwice, []);
  });
});

describe('a server that refuses good tokens', () => {
  const refuseAll = ({ server, oauth }: Guarded) =>
    server.answerAlways({ method: 'POST' }, oauth.challenge(401, 'error="invalid_token"'));

  it('ends in a typed error and in no loop: one refresh for ten calls, and an answer when it lets in again', async () => {
    await using world = await guarded();
    const { server, oauth, person } = world;
    await using scenario = await world.signedIn();
    await scenario.fact('streamOpened');
    const before = server.requests.length;
    const refusing = refuseAll(world);
    for (let call = 0; call < 10; call++) {
      const failure = await scenario.client
        .callTool({ name: 'count', arguments: { key: 'a' } })
        .catch((e) => e);
      assert.ok(isFailure(failure, 'UNAUTHORIZED'), String(failure));
    }
    assert.equal(oauth.asked.refresh_token, 1);
    assert.equal(person.sentTo.length, 1);
    assert.equal(scenario.transport.snapshot().status, 'down');
    assert.match(scenario.transport.snapshot().trouble ?? '', /refuses the credentials/);
    assert.ok(server.requests.length - before < 50, `${server.requests.length - before} requests`);
    refusing.dispose();
    assert.equal(await scenario.call('count', 'b'), 'ran b');
    assert.equal(server.runs('a'), 0);
  });

  it('is asked with new tokens again after a minute', async () => {
    let passed = 0;
    const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + passed };
    await using world = await guarded();
    const { oauth } = world;
    await using scenario = await world.signedIn({ environment: { clock } });
    using _refusing = refuseAll(world);
    assert.equal(await scenario.call('count', 'a'), 'UNAUTHORIZED');
    assert.equal(await scenario.call('count', 'a'), 'UNAUTHORIZED');
    assert.equal(oauth.asked.refresh_token, 1);
    passed += 60_000;
    assert.equal(await scenario.call('count', 'a'), 'UNAUTHORIZED');
    assert.equal(oauth.asked.refresh_token, 2);
  });
});

describe('a call that needs a wider scope', () => {
  const wants = ({ tool }: RequestRecord) => (tool === 'count' ? ['write'] : ['read']);
  const options = { wants, person: { scope: 'read' } };

  it('has the person asked once for what was held and what is wanted, and is answered after the sign-in', async () => {
    await using world = await guarded(options);
    const { oauth, person } = world;
    await using scenario = await world.signedIn();
    const got = await Promise.all(keys.map((key) => scenario.call('count', key)));
    assert.deepEqual(new Set(got), new Set(['UNAUTHORIZED']));
    assert.equal(person.sentTo.length, 2);
    // A refresh can't widen a scope (typescript-sdk#2255).
    assert.equal(oauth.asked.refresh_token, 0);
    await scenario.transport.finishAuth(await person.signIn());
    assert.deepEqual(oauth.signIns, [['read'], ['read', 'write']]);
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(await scenario.call('peek', 'b'), 'ran b');
    assert.equal(world.server.runs('a'), 1);
  });

  it('leaves the connection ready: other calls are answered meanwhile', async () => {
    await using world = await guarded(options);
    await using scenario = await world.signedIn();
    assert.equal(await scenario.call('count', 'a'), 'UNAUTHORIZED');
    assert.equal(await scenario.call('peek', 'b'), 'ran b');
    assert.equal(scenario.transport.snapshot().status, 'ready');
  });

  it('is refused in words when the scope is not granted, and the person is not asked again and again', async () => {
    await using world = await guarded(options);
    const { oauth, person, server } = world;
    await using scenario = await world.signedIn();
    oauth.grants = () => ['read'];
    assert.equal(await scenario.call('count', 'a'), 'UNAUTHORIZED');
    await scenario.transport.finishAuth(await person.signIn());
    const before = server.count({ tool: 'count' });
    for (let call = 0; call < 3; call++) {
      const failure = await scenario.client
        .callTool({ name: 'count', arguments: { key: 'a' } })
        .catch((e) => e);
      assert.ok(isFailure(failure, 'UNAUTHORIZED'), String(failure));
      assert.equal(statusOf(failure), 403);
      assert.match(failure.message, /"read write"/);
      assert.equal(await scenario.call('peek', `p${call}`), `ran p${call}`);
    }
    assert.equal(person.sentTo.length, 2);
    assert.equal(server.count({ tool: 'count' }) - before, 3);
  });

  it('and whose token has expired as well: it is refreshed, then the person is asked', async () => {
    await using world = await guarded(options);
    const { oauth, person } = world;
    await using scenario = await world.signedIn();
    oauth.expireAccess();
    assert.equal(await scenario.call('count', 'a'), 'UNAUTHORIZED');
    assert.equal(oauth.asked.refresh_token, 1);
    assert.equal(person.sentTo.length, 2);
    await scenario.transport.finishAuth(await person.signIn());
    assert.equal(await scenario.call('count', 'a'), 'ran a');
  });
});
