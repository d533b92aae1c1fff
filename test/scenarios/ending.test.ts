import assert from 'node:assert/strict';
import { connected } from '../support/connected.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

describe('the end of a connection', () => {
  it('ends the session with DELETE, once', async () => {
    await using server = await ScriptedServer.start();
    const scenario = await connected(server.url);
    await scenario.transport.close();
    await scenario.transport.close();
    await scenario.client.close();
    assert.equal(server.count({ method: 'DELETE' }), 1);
    assert.equal(server.sessions.length, 0);
  });

  it('leaves the session alone when it is told to', async () => {
    await using server = await ScriptedServer.start();
    const scenario = await connected(server.url, { endSessionOnClose: false });
    await scenario.client.close();
    assert.equal(server.count({ method: 'DELETE' }), 0);
    assert.equal(server.sessions.length, 1);
  });

  it('sends no DELETE for a session that the server has called lost', async () => {
    await using server = await ScriptedServer.start();
    const scenario = await connected(server.url, { recovery: { probeIntervalMs: 60_000 } });
    server.refuseEverySession('404-json');
    assert.equal(await scenario.call('count', 'a'), 'SESSION_NOT_KEPT');
    await scenario.client.close();
    assert.equal(server.count({ method: 'DELETE' }), 0);
  });

  it('does not wait for a server that never answers the DELETE', async () => {
    await using server = await ScriptedServer.start();
    const scenario = await connected(server.url, { closeTimeoutMs: 30 });
    server.answerNext({ method: 'DELETE' }, 'hang');
    await scenario.client.close();
    assert.deepEqual(
      scenario.facts('sessionEnded').map((fact) => fact.kind === 'sessionEnded' && fact.outcome),
      ['failed'],
    );
  });

  it('takes 405 and 404 to DELETE for what they say', async () => {
    for (const [status, outcome] of [
      [405, 'not offered'],
      [404, 'already gone'],
      [500, 'failed'],
    ] as const) {
      await using server = await ScriptedServer.start();
      const scenario = await connected(server.url);
      server.answerNext({ method: 'DELETE' }, { status });
      await scenario.client.close();
      const [fact] = scenario.facts('sessionEnded');
      assert.ok(fact?.kind === 'sessionEnded');
      assert.equal(fact.outcome, outcome);
    }
  });

  it('tells a call under way that there will be no answer', async () => {
    await using server = await ScriptedServer.start();
    const scenario = await connected(server.url);
    const hold = server.hold({ tool: 'count' });
    const calling = scenario.call('count', 'a');
    await hold.arrived();
    await scenario.client.close();
    assert.match(await calling, /CONNECTION_CLOSED|Connection closed/);
    hold.release();
  });

  it('terminateSession() ends the session at the server; a later call opens a new one', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.transport.terminateSession();
    assert.equal(server.sessions.length, 0);
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(server.count({ rpc: 'initialize' }), 2);
  });

  it('leaves no connection open to the server, also after recoveries', async () => {
    await using server = await ScriptedServer.start();
    const scenario = await connected(server.url);
    for (let round = 0; round < 5; round++) {
      server.forgetSessions('404-json');
      await scenario.call('count', `${round}`);
    }
    await scenario.client.close();
    // Streams of every generation are over; what is left are idle sockets of the pool of fetch.
    assert.deepEqual(
      server.requests.filter(({ method, ended }) => method === 'GET' && ended === undefined),
      [],
    );
  });
});

describe('a session that is continued', () => {
  it('by its id: no handshake, the version told by setProtocolVersion, and a new session when it is gone', async () => {
    await using server = await ScriptedServer.start();
    const first = await connected(server.url, { endSessionOnClose: false });
    const { sessionId } = first.transport;
    assert.ok(sessionId);
    await first.client.close();
    const { ResilientTransport } = await import('../../src/client/index.ts');
    const transport = new ResilientTransport(server.url, { sessionId });
    assert.equal(transport.sessionId, sessionId);
    const answers: unknown[] = [];
    transport.onmessage = (message) => answers.push('result' in message ? message.id : undefined);
    await transport.start();
    transport.setProtocolVersion('2025-11-25');
    await transport.send({ jsonrpc: '2.0', id: 1, method: 'ping' });
    assert.equal(server.count({ rpc: 'initialize' }), 1);
    assert.equal(server.requests.at(-1)?.protocolVersionHeader ?? '2025-11-25', '2025-11-25');
    server.forgetSessions('404-json');
    await transport.send({ jsonrpc: '2.0', id: 2, method: 'ping' });
    assert.equal(server.count({ rpc: 'initialize' }), 2);
    assert.deepEqual(answers, [1, 2]);
    await transport.close();
  });
});
