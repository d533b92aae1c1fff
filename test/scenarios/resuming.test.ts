import assert from 'node:assert/strict';
import { ResilientTransport, type ResumableSession } from '../../src/client/index.ts';
import { type ConnectOptions, connected, quick } from '../support/connected.ts';
import { isFailure } from '../support/failure.ts';
import { HeldClock } from '../support/held-clock.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { itDirectly } from '../support/way.ts';

/** A client that sets something in its session and goes away without ending it: what it leaves behind. */
async function left(server: ScriptedServer): Promise<ResumableSession> {
  const { client, transport } = await connected(server.url);
  await client.setLoggingLevel('warning');
  await client.subscribeResource({ uri: 'test://a' });
  const held = transport.resumable ?? assert.fail('nothing to go on with');
  await transport.close({ keepSession: true });
  await client.close();
  assert.equal(server.count({ method: 'DELETE' }), 0);
  // It has to survive being written down.
  return JSON.parse(JSON.stringify(held));
}

const resuming = async (server: ScriptedServer, options: ConnectOptions = {}) =>
  connected(server.url, { resume: await left(server), ...options });

describe('a session of an earlier connection', () => {
  it('goes on after one ping: no initialize, no second word of being initialized, the server’s own words', async () => {
    await using server = await ScriptedServer.start({ face: { instructions: 'Read this.' } });
    await using second = await resuming(server);
    assert.equal(server.count({ rpc: 'initialize' }), 1);
    assert.equal(server.count({ rpc: 'notifications/initialized' }), 1);
    assert.equal(server.count({ rpc: 'ping' }), 1);
    assert.equal(second.client.getInstructions(), 'Read this.');
    assert.equal(second.client.getServerVersion()?.name, 'scripted');
    assert.equal(await second.call('count', 'a'), 'ran a');
    assert.equal(server.sessions.length, 1);
    assert.equal(second.transport.sessionId, server.sessions[0]?.id);
    assert.equal(second.facts('sessionResumed').length, 1);
    assert.deepEqual(server.violations, []);
  });

  for (const [name, fault] of [
    ['500', { status: 500 }],
    ['nothing', 'hang'],
  ] as const) {
    it(`goes on at a server that answers a ping with ${name}: its calls go out, and it is the same session`, async () => {
      await using server = await ScriptedServer.start();
      server.answerAlways({ rpc: 'ping' }, fault);
      await using second = await resuming(server, { proofTimeoutMs: 20, patienceMs: 2000 });
      assert.equal(await second.call('count', 'a'), 'ran a');
      assert.equal(second.transport.sessionId, server.sessions[0]?.id);
      assert.equal(second.transport.snapshot().generation, 1);
    });
  }

  itDirectly(
    'is heard: its stream is opened, and what the server says on it reaches the client',
    async () => {
      await using server = await ScriptedServer.start();
      await using second = await resuming(server);
      await second.fact('streamOpened');
      const heard = Promise.withResolvers<string>();
      second.client.fallbackNotificationHandler = async ({ method }) => heard.resolve(method);
      assert.equal(server.updateResource('test://a'), 1);
      assert.equal(await heard.promise, 'notifications/resources/updated');
    },
  );

  for (const dialect of ['404-json', '400-text'] as const) {
    it(`that the server knows no more (${dialect}) is replaced by the handshake, with all that it had`, async () => {
      await using server = await ScriptedServer.start();
      const held = await left(server);
      server.forgetSessions(dialect);
      server.face.version = '2.0.0';
      await using second = await connected(server.url, {
        resume: held,
        client: { capabilities: { roots: {} } },
      });
      assert.equal(await second.call('count', 'a'), 'ran a');
      assert.equal(second.client.getServerVersion()?.version, '2.0.0');
      const [session] = server.sessions;
      assert.deepEqual([...(session?.subscriptions ?? [])], ['test://a']);
      assert.equal(session?.logLevel, 'warning');
      assert.deepEqual(session?.clientCapabilities, { roots: {} });
      assert.equal(server.count({ rpc: 'initialize' }), 2);
      assert.equal(second.facts('sessionResumed').length, 0);
      assert.deepEqual(server.violations, []);
    });
  }

  it('that is lost later is restored as one of the connection’s own', async () => {
    await using server = await ScriptedServer.start();
    await using second = await resuming(server);
    server.forgetSessions('404-json');
    assert.equal(await second.call('count', 'a'), 'ran a');
    assert.deepEqual([...(server.sessions[0]?.subscriptions ?? [])], ['test://a']);
    assert.deepEqual(server.violations, []);
  });

  it('is waited for while the server is away, and goes on when it is back', async () => {
    await using server = await ScriptedServer.start();
    const held = await left(server);
    await server.refuseConnections();
    const seen = Promise.withResolvers<void>();
    const connecting = connected(server.url, {
      resume: held,
      seen: (transport) => transport.onDidChange(({ status }) => status === 'unreachable' && seen.resolve()),
    });
    await seen.promise;
    await server.acceptConnections();
    await using second = await connecting;
    assert.equal(await second.call('count', 'a'), 'ran a');
    assert.equal(server.count({ rpc: 'initialize' }), 1);
  });

  it('is not waited for longer than a first session would be', async () => {
    await using server = await ScriptedServer.start();
    const held = await left(server);
    await server.refuseConnections();
    const failure = await connected(server.url, { resume: held, connectPatienceMs: 1 }).catch(
      (error) => error,
    );
    assert.ok(isFailure(failure, 'SERVER_UNAVAILABLE'), String(failure));
  });

  it('is replaced by one handshake however long that takes, when the server has lost it', async () => {
    await using server = await ScriptedServer.start();
    const held = await left(server);
    server.forgetSessions('404-json');
    const hold = server.hold({ rpc: 'initialize' });
    const clock = new HeldClock();
    const options = { resume: held, connectPatienceMs: 10_000, environment: { clock } };
    const connecting = connected(server.url, options);
    await hold.arrived();
    await clock.advance(60_000);
    hold.release();
    await using second = await connecting;
    assert.equal(await second.call('count', 'a'), 'ran a');
    assert.equal(server.count({ rpc: 'initialize' }), 2);
  });

  it('is offered to its own endpoint only', async () => {
    await using server = await ScriptedServer.start();
    await using other = await ScriptedServer.start();
    const held = await left(server);
    await using second = await connected(other.url, { resume: held });
    assert.equal(await second.call('count', 'a'), 'ran a');
    assert.equal(other.count({ sessionId: held.sessionId }), 0);
    assert.equal(other.count({ rpc: 'initialize' }), 1);
  });

  itDirectly(
    'is nothing to go on with before it was opened, when it has no id, and once it is over',
    async () => {
      await using server = await ScriptedServer.start({ sessionIds: false });
      let before: unknown = 'not looked at';
      await using stateless = await connected(server.url, {
        seen: (transport) => {
          before = transport.resumable;
        },
      });
      assert.equal(before, undefined);
      assert.equal(stateless.transport.resumable, undefined);
      await using second = await ScriptedServer.start();
      await using stateful = await connected(second.url);
      assert.ok(stateful.transport.resumable);
      await stateful.transport.terminateSession();
      assert.equal(stateful.transport.resumable, undefined);
      await stateful.transport.close();
      assert.equal(stateful.transport.resumable, undefined);
    },
  );
});

describe('a connection that takes over from an earlier one', () => {
  it('takes requests at once, and says itself that the client is initialized, before any of them', async () => {
    await using server = await ScriptedServer.start();
    await server.refuseConnections();
    const patience = { connectPatienceMs: Number.POSITIVE_INFINITY };
    const transport = new ResilientTransport(server.url, { ...quick, ...patience, takeOver: true });
    const answers = new Map<unknown, unknown>();
    transport.onmessage = (message) => {
      if ('id' in message) answers.set(message.id, message);
    };
    await transport.start();
    const clientInfo = { name: 'taken over', version: '1.0.0' };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    const opening = transport.send({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    await transport.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    const call = { name: 'count', arguments: { key: 'a' } };
    const calling = transport.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call });
    await server.acceptConnections();
    await Promise.all([opening, calling]);
    assert.deepEqual([...answers.keys()].sort(), [0, 1]);
    assert.equal(server.runs('a'), 1);
    assert.equal(server.count({ rpc: 'notifications/initialized' }), 1);
    assert.deepEqual(server.sessions[0]?.clientInfo, clientInfo);
    assert.deepEqual(server.violations, []);
    await transport.close();
  });
});
