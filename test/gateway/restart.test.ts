import assert from 'node:assert/strict';
import {
  Gateway,
  type GatewayMemory,
  type GatewayOptions,
  type GatewayRecord,
} from '../../src/hub/gateway/index.ts';
import { quick } from '../support/connected.ts';
import { EventReader } from '../support/event-reader.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { plain, WireTo } from './gateways.ts';

const sessionKey = 'a key of 32 characters or more …';
const token = 'the-token';

/** What an editor keeps: it outlives the gateway. */
class KeptSecrets implements GatewayMemory {
  readonly kept = new Map<string, string>();
  async recall(key: string): Promise<string | undefined> {
    return this.kept.get(key);
  }
  async remember(key: string, text: string | undefined): Promise<void> {
    if (text === undefined) this.kept.delete(key);
    else this.kept.set(key, text);
  }
}

/** Gateways one after the other, at one port: each is gone before the next one starts. */
class Succession implements AsyncDisposable {
  readonly log: GatewayRecord[] = [];
  readonly #options: Omit<GatewayOptions, 'upstreams'>;
  readonly #url: string;
  #gateway: Gateway | undefined;
  #port = 0;

  constructor(url: string, options: Omit<GatewayOptions, 'upstreams'> = {}) {
    this.#url = url;
    this.#options = options;
  }

  get gateway(): Gateway {
    return this.#gateway ?? assert.fail('no gateway was started');
  }

  get client() {
    // A socket of its own for each request: one that is reused may be half closed when the gateway was just replaced.
    const authorization = { authorization: `Bearer ${token}`, connection: 'close' };
    return { url: this.gateway.urlOf('one'), authorization };
  }

  async next(url = this.#url): Promise<void> {
    await this.#gateway?.close({ keepSessions: true });
    this.#gateway = new Gateway({
      upstreams: { one: { ...quick, url } },
      token,
      sessionKey,
      log: (record) => this.log.push(record),
      ...this.#options,
    });
    this.#port = await this.#gateway.start(this.#port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gateway?.close();
  }
}

async function succession(server: ScriptedServer, options: Omit<GatewayOptions, 'upstreams'> = {}) {
  const gateways = new Succession(server.url, options);
  await gateways.next();
  return gateways;
}

describe('a gateway that is started again, at the same port with the same key', () => {
  it('serves the sessions of its predecessor: the client does not notice', async () => {
    await using server = await ScriptedServer.start();
    await using gateways = await succession(server);
    await using downstream = await plain(gateways.client, { client: { capabilities: { roots: {} } } });
    const { sessionId } = downstream.transport;
    assert.equal(await downstream.call('count', { key: 'a' }), 'ran a');
    await gateways.next();
    assert.equal(await downstream.call('count', { key: 'b' }), 'ran b');
    assert.equal(downstream.transport.sessionId, sessionId);
    assert.equal(gateways.gateway.sessions, 1);
    // Without a memory, the server gets a new session, opened with the client's own handshake.
    assert.equal(server.count({ rpc: 'initialize' }), 2);
    assert.deepEqual(server.sessions.at(-1)?.clientCapabilities, { roots: {} });
    assert.equal(server.count({ rpc: 'notifications/initialized' }), 2);
    assert.deepEqual(server.violations, []);
  });

  it('goes on with the session of the server when it was remembered: one ping, no initialize, nothing abandoned', async () => {
    await using server = await ScriptedServer.start();
    await using gateways = await succession(server, { memory: new KeptSecrets() });
    await using downstream = await plain(gateways.client);
    await downstream.client.setLoggingLevel('warning');
    await downstream.client.subscribeResource({ uri: 'test://a' });
    for (const key of ['a', 'b', 'c']) {
      await gateways.next();
      assert.equal(await downstream.call('count', { key }), `ran ${key}`);
    }
    assert.equal(server.count({ rpc: 'initialize' }), 1);
    assert.equal(server.count({ rpc: 'notifications/initialized' }), 1);
    assert.equal(server.count({ method: 'DELETE' }), 0);
    assert.equal(server.sessions.length, 1);
    assert.deepEqual(server.violations, []);
  });

  it('opens a new one with what the client had set, when the server has lost the remembered one', async () => {
    await using server = await ScriptedServer.start();
    await using gateways = await succession(server, { memory: new KeptSecrets() });
    await using downstream = await plain(gateways.client);
    await downstream.client.setLoggingLevel('warning');
    await downstream.client.subscribeResource({ uri: 'test://a' });
    server.forgetSessions('404-json');
    await gateways.next();
    assert.equal(await downstream.call('count', { key: 'a' }), 'ran a');
    const [session] = server.sessions;
    assert.equal(session?.logLevel, 'warning');
    assert.deepEqual([...(session?.subscriptions ?? [])], ['test://a']);
    assert.deepEqual(server.violations, []);
  });

  for (const [what, memory, lists] of [
    ['remembers', new KeptSecrets(), 1],
    ['finds out again, without a memory,', undefined, 2],
  ] as const) {
    it(`${what} which tools only read: such a call is made again, though its client does not list them anew`, async () => {
      await using server = await ScriptedServer.start();
      await using gateways = await succession(server, { ...(memory && { memory }) });
      await using downstream = await plain(gateways.client);
      await downstream.client.listTools();
      await gateways.next();
      server.answerNext({ tool: 'peek' }, 'reset-after-run');
      assert.equal(await downstream.call('peek', { key: 'a' }), 'ran a');
      assert.equal(server.runs('a'), 2);
      assert.equal(server.count({ rpc: 'tools/list' }), lists);
    });
  }

  it('sends no call to another server that has taken the port, and goes on with the one that comes after it', async () => {
    await using server = await ScriptedServer.start();
    await using gateways = await succession(server, { memory: new KeptSecrets() });
    await using downstream = await plain(gateways.client);
    await downstream.client.listTools();
    Object.assign(server.face, { name: 'other' });
    server.forgetSessions('404-json');
    await gateways.next();
    assert.equal(await downstream.call('count', { key: 'a' }), 'SERVER_CHANGED');
    assert.equal(server.runs('a'), 0);
    assert.equal(await downstream.call('count', { key: 'b' }), 'ran b');
  });

  it('remembers the session that took the place of a lost one', async () => {
    await using server = await ScriptedServer.start();
    await using gateways = await succession(server, { memory: new KeptSecrets() });
    await using downstream = await plain(gateways.client);
    server.forgetSessions('404-json');
    assert.equal(await downstream.call('count', { key: 'a' }), 'ran a');
    await gateways.next();
    assert.equal(await downstream.call('count', { key: 'b' }), 'ran b');
    assert.equal(server.count({ rpc: 'initialize' }), 2);
  });

  it('lets a client hear notifications again, once it has opened its stream anew', async () => {
    await using server = await ScriptedServer.start();
    await using gateways = await succession(server, { memory: new KeptSecrets() });
    const wire = await new WireTo(gateways.client).open();
    await wire.send('resources/subscribe', { uri: 'test://a' }).then((response) => response.text());
    await gateways.next();
    // The client calls nothing: its stream alone brings the session back.
    const stream = new EventReader(await wire.fetch('GET'));
    await server.answered({ method: 'GET' }, 2);
    assert.equal(server.updateResource('test://a'), 1);
    assert.equal((await stream.message()).method, 'notifications/resources/updated');
  });

  it('tells the client that its lists are others when another server has taken the port meanwhile', async () => {
    await using server = await ScriptedServer.start();
    await using gateways = await succession(server, { memory: new KeptSecrets() });
    const wire = await new WireTo(gateways.client).open();
    await wire.send('tools/list').then((response) => response.text());
    Object.assign(server.face, { name: 'other', capabilities: { tools: {}, prompts: {} } });
    server.forgetSessions('404-json');
    await gateways.next();
    const stream = new EventReader(await wire.fetch('GET'));
    assert.deepEqual(
      [(await stream.message()).method, (await stream.message()).method],
      ['notifications/tools/list_changed', 'notifications/prompts/list_changed'],
    );
  });

  it('keeps the client’s session also while the server is away, and answers in words until it is back', async () => {
    await using server = await ScriptedServer.start();
    const upstream = { patienceMs: 200 };
    await using gateways = await succession(server, { memory: new KeptSecrets() });
    await using downstream = await plain(gateways.client);
    await downstream.client.subscribeResource({ uri: 'test://a' });
    await server.refuseConnections();
    await gateways.gateway.apply({ one: { ...quick, ...upstream, url: server.url } });
    assert.equal(await downstream.call('count', { key: 'a' }), 'SERVER_UNAVAILABLE');
    assert.equal(gateways.gateway.sessions, 1);
    await server.acceptConnections();
    // Nobody calls: the connection comes back by itself, and with it what the client had set.
    await server.received({ rpc: 'resources/subscribe' }, 2);
    assert.equal(await downstream.call('count', { key: 'b' }), 'ran b');
    assert.deepEqual(server.violations, []);
  });

  it('does not know the sessions of a gateway with another key', async () => {
    await using server = await ScriptedServer.start();
    await using gateways = await succession(server);
    const wire = await new WireTo(gateways.client).open();
    const other = new Gateway({ upstreams: { one: { url: server.url } }, token });
    await other.start();
    const stranger = new WireTo({ url: other.urlOf('one'), authorization: gateways.client.authorization });
    stranger.sessionId = wire.sessionId;
    assert.equal((await stranger.call('a')).status, 404);
    await other.close();
  });

  it('does not take a session with one of its servers for one with another', async () => {
    await using server = await ScriptedServer.start();
    const upstream = { ...quick, url: server.url };
    const gateway = new Gateway({ upstreams: { one: upstream, two: upstream }, token });
    await gateway.start();
    const authorization = { authorization: `Bearer ${token}` };
    const one = await new WireTo({ url: gateway.urlOf('one'), authorization }).open();
    const two = new WireTo({ url: gateway.urlOf('two'), authorization });
    two.sessionId = one.sessionId;
    assert.equal((await two.call('a')).status, 404);
    await gateway.close();
  });
});

describe('what a gateway remembers', () => {
  it('is one text for each server, without the ids of clients’ sessions', async () => {
    await using server = await ScriptedServer.start();
    const memory = new KeptSecrets();
    await using gateways = await succession(server, { memory });
    await using a = await plain(gateways.client);
    await using b = await plain(gateways.client);
    await Promise.all([a, b].map(({ call }) => call('count')));
    await gateways.next();
    assert.deepEqual([...memory.kept.keys()], ['gateway-sessions/one']);
    const [text = ''] = memory.kept.values();
    for (const { id = '' } of server.sessions) assert.ok(text.includes(id));
    for (const { transport } of [a, b]) assert.ok(!text.includes(transport.sessionId ?? ''));
  });

  it('is forgotten when the client ends its session, and when the gateway ends without a successor', async () => {
    await using server = await ScriptedServer.start();
    const memory = new KeptSecrets();
    await using gateways = await succession(server, { memory });
    const [a, b] = [await plain(gateways.client), await plain(gateways.client)];
    await Promise.all([a, b].map(({ call }) => call('count')));
    await a.transport.terminateSession();
    await server.ended({ method: 'DELETE' });
    await gateways.gateway.close();
    assert.deepEqual([...memory.kept], []);
    await Promise.all([a.client.close(), b.client.close()]);
  });

  it('is not offered to a server at another address', async () => {
    await using server = await ScriptedServer.start();
    await using other = await ScriptedServer.start();
    await using gateways = await succession(server, { memory: new KeptSecrets() });
    await using downstream = await plain(gateways.client);
    await downstream.call('count');
    const [session] = server.sessions;
    await gateways.next(other.url);
    assert.equal(await downstream.call('count', { key: 'a' }), 'ran a');
    assert.equal(other.count({ sessionId: session?.id ?? '' }), 0);
  });

  it('may be missing: a memory that fails costs a warning, and no session', async () => {
    await using server = await ScriptedServer.start();
    const failing: GatewayMemory = {
      recall: () => Promise.reject(new Error('the keychain is locked')),
      remember: () => Promise.reject(new Error('the keychain is locked')),
    };
    await using gateways = await succession(server, { memory: failing });
    await using downstream = await plain(gateways.client);
    assert.equal(await downstream.call('count', { key: 'a' }), 'ran a');
    await gateways.next();
    assert.equal(await downstream.call('count', { key: 'b' }), 'ran b');
    const warnings = gateways.log.filter(({ event }) => event === 'degraded');
    assert.match(warnings[0]?.reason ?? '', /cannot be remembered: the keychain is locked/);
  });
});
