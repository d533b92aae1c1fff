import assert from 'node:assert/strict';
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import { ResilientTransport } from '../../src/client/index.ts';
import { connected, quick } from '../support/connected.ts';
import { codeOf } from '../support/failure.ts';
import type { OAuthPerson } from '../support/oauth-person.ts';
import type { RequestRecord } from '../support/scripted/request.ts';
import { type Guarded, guarded } from '../support/signed-in.ts';

const CONNECTIONS = 4;

/** As many connections at once, each of them with what `providerOf` gives; closed together. */
async function several(world: Guarded, providerOf: () => OAuthClientProvider) {
  const connecting = Array.from({ length: CONNECTIONS }, () =>
    connected(world.server.url, { authProvider: providerOf() }),
  );
  const all = await Promise.all(connecting);
  return Object.assign(all, {
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map(({ client }) => client.close()));
    },
  });
}

/** One provider for each connection, all over what one person keeps. */
function overStoreOf(person: OAuthPerson): OAuthClientProvider {
  return new Proxy(person, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const answers = Array.from({ length: CONNECTIONS }, (_, index) => `ran k${index}`);

describe('several connections of one sign-in', () => {
  for (const [of, providerOf] of [
    ['of one provider', (person: OAuthPerson) => person],
    ['of one store, each with a provider of its own', overStoreOf],
  ] as const) {
    it(`${of}: a refresh token is spent once, no page is opened, every call is answered`, async () => {
      await using world = await guarded({ revokesOnReuse: true });
      await using first = await world.signedIn();
      assert.equal(await first.call('count', 'first'), 'ran first');
      await using all = await several(world, () => providerOf(world.person));
      for (let round = 1; round <= 3; round++) {
        world.oauth.expireAccess();
        const got = await Promise.all(
          all.map((scenario, index) => scenario.call('count', `${round} k${index}`)),
        );
        assert.deepEqual(
          got,
          answers.map((answer) => answer.replace('ran ', `ran ${round} `)),
        );
        assert.equal(world.oauth.asked.refresh_token, round);
      }
      assert.equal(world.person.sentTo.length, 1);
    });
  }

  it('have one page opened for all of them, and all go on when one of them finishes', async () => {
    await using world = await guarded();
    const options = { ...quick, authProvider: world.person, connectPatienceMs: Number.POSITIVE_INFINITY };
    // A transport that waits for a person is not to look again by itself: the sign-in wakes it.
    const recovery = { ...quick.recovery, probeIntervalMs: 3_600_000 };
    const transports = Array.from(
      { length: CONNECTIONS },
      () => new ResilientTransport(world.server.url, { ...options, recovery }),
    );
    const clients = transports.map(() => new Client({ name: 'scenario', version: '1.0.0' }));
    const connecting = Promise.all(
      clients.map((client, index) => client.connect(transports[index] as ResilientTransport)),
    );
    await Promise.all(transports.map(untilDown));
    assert.equal(world.person.sentTo.length, 1);
    await transports[0]?.finishAuth(await world.person.signIn());
    await connecting;
    assert.equal(world.oauth.asked.authorization_code, 1);
    assert.equal(world.person.sentTo.length, 1);
    await Promise.all(clients.map((client) => client.close()));
  });

  for (const path of ['/.well-known/oauth-authorization-server', '/token'])
    it(`go on where the one that was renewing the token is closed, while it waits for ${path}`, async () => {
      await using world = await guarded({ revokesOnReuse: true });
      const one = await world.signedIn();
      // However long this takes: no ping before the call.
      const options = { authProvider: world.person, proofAfterMs: 3_600_000 };
      await using other = await connected(world.server.url, options);
      await other.fact('streamOpened');
      world.oauth.expireAccess();
      const hold = world.oauth.hold(path);
      const closed = one.call('count', 'a');
      await hold.arrived();
      const refused = world.server.ended({ key: 'b' });
      const calling = other.call('count', 'b');
      await refused;
      await one.client.close();
      assert.notEqual(await closed, 'ran a');
      hold.release();
      assert.equal(await calling, 'ran b');
      assert.equal(world.person.sentTo.length, 1);
    });
});

describe('a refresh token that another process spends', () => {
  /** What the other process does: it spends the token, and writes what it got. */
  async function spendElsewhere({ oauth, person }: Guarded, held = person.tokens()): Promise<OAuthTokens> {
    const { client_id = '', client_secret = '' } = person.clientInformation() ?? {};
    const form = { grant_type: 'refresh_token', refresh_token: held?.refresh_token ?? '', client_id };
    const body = new URLSearchParams({ ...form, ...(client_secret && { client_secret }) });
    const response = await fetch(new URL('/token', oauth.url), { method: 'POST', body });
    assert.equal(response.status, 200);
    return (await response.json()) as OAuthTokens;
  }

  it('before it is spent here: what the store holds is taken', async () => {
    await using world = await guarded({ revokesOnReuse: true });
    await using scenario = await world.signedIn();
    world.oauth.expireAccess();
    // The metadata is asked for first: meanwhile the other one is done.
    const hold = world.oauth.hold('/.well-known/oauth-authorization-server');
    const calling = scenario.call('count', 'a');
    await hold.arrived();
    world.person.saveTokens(await spendElsewhere(world));
    hold.release();
    assert.equal(await calling, 'ran a');
    assert.equal(world.oauth.asked.refresh_token, 1);
    assert.equal(world.person.sentTo.length, 1);
  });

  it('a moment before it is spent here: what the other got is taken, not thrown away, though it is written late', async () => {
    await using world = await guarded();
    const { oauth, person } = world;
    await using scenario = await world.signedIn();
    oauth.expireAccess();
    const hold = oauth.hold('/token');
    const calling = scenario.call('count', 'a');
    await hold.arrived();
    hold.passNext();
    const got = await spendElsewhere(world);
    let looks = 0;
    const read = person.tokens.bind(person);
    person.tokens = () => {
      // The third look after the refusal finds what was written.
      if (oauth.asked.refresh_token === 2 && ++looks === 3) person.saveTokens(got);
      return read();
    };
    hold.release();
    assert.equal(await calling, 'ran a');
    assert.equal(oauth.asked.refresh_token, 2);
    assert.equal(person.sentTo.length, 1);
  });

  it('and that is really gone has a person asked', async () => {
    await using world = await guarded();
    await using scenario = await world.signedIn();
    world.oauth.revokeAll();
    assert.equal(await scenario.call('count', 'a'), 'UNAUTHORIZED');
    assert.equal(world.person.sentTo.length, 2);
    assert.equal(world.person.tokens(), undefined);
  });
});

describe('the page that a person is at', () => {
  const wants = ({ tool }: RequestRecord) => (tool === 'count' ? ['write'] : ['read']);
  const scoped = { wants, person: { scope: 'read' } };

  it('stays good while its code is being exchanged, whatever is refused meanwhile', async () => {
    await using world = await guarded(scoped);
    const { server, oauth, person } = world;
    await using scenario = await world.signedIn();
    await scenario.fact('streamOpened');
    assert.equal(await scenario.call('count', 'a'), 'UNAUTHORIZED');
    const code = await person.signIn();
    const hold = oauth.hold('/.well-known/oauth-authorization-server');
    const finishing = scenario.transport.finishAuth(code);
    await hold.arrived();
    // The stream of the server and calls are refused, for the token as well as for the scope.
    const refused = server.ended({ tool: 'count' });
    const wider = scenario.call('count', 'b');
    await refused;
    oauth.expireAccess();
    server.closeGetStreams();
    await server.ended({ method: 'GET' }, 2);
    const expired = scenario.call('peek', 'c');
    hold.release();
    await finishing;
    assert.deepEqual(await Promise.all([wider, expired]), ['ran b', 'ran c']);
    assert.equal(person.sentTo.length, 2);
    assert.equal(oauth.asked.authorization_code, 2);
  });

  it('for a wider scope stays good while the token is refreshed', async () => {
    await using world = await guarded(scoped);
    const { oauth, person } = world;
    await using scenario = await world.signedIn();
    assert.equal(await scenario.call('count', 'a'), 'UNAUTHORIZED');
    oauth.expireAccess();
    assert.equal(await scenario.call('peek', 'b'), 'ran b');
    assert.equal(await scenario.call('count', 'a'), 'UNAUTHORIZED');
    assert.equal(person.sentTo.length, 2);
    await scenario.transport.finishAuth(await person.signIn());
    assert.equal(await scenario.call('count', 'a'), 'ran a');
  });

  it('for a wider scope stays good when the token can be refreshed no more', async () => {
    await using world = await guarded(scoped);
    const { oauth, person } = world;
    await using scenario = await world.signedIn();
    assert.equal(await scenario.call('count', 'a'), 'UNAUTHORIZED');
    oauth.revokeAll();
    assert.equal(await scenario.call('peek', 'b'), 'UNAUTHORIZED');
    assert.equal(await scenario.call('count', 'a'), 'UNAUTHORIZED');
    assert.equal(person.sentTo.length, 2);
    await scenario.transport.finishAuth(await person.signIn());
    assert.equal(await scenario.call('count', 'a'), 'ran a');
  });

  it('may be finished by the provider before it returns from opening it', async () => {
    await using world = await guarded();
    const { person } = world;
    const redirect = person.redirectToAuthorization.bind(person);
    const transport = new ResilientTransport(world.server.url, { ...quick, authProvider: person });
    person.redirectToAuthorization = async (page) => {
      redirect(page);
      await transport.finishAuth(await person.signIn());
    };
    const client = new Client({ name: 'scenario', version: '1.0.0' });
    await client.connect(transport);
    assert.equal(
      await client.callTool({ name: 'count', arguments: { key: 'a' } }).then(() => 'ran', codeOf),
      'ran',
    );
    assert.equal(person.sentTo.length, 1);
    await client.close();
  });
});

function untilDown(transport: ResilientTransport): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (transport.snapshot().status !== 'down') return;
      subscription.dispose();
      resolve();
    };
    const subscription = transport.onDidChange(look);
    look();
  });
}
