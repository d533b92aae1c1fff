import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ResilientTransport } from '../../src/client/index.ts';
import { isResilientMcpError } from '../../src/protocol/errors.ts';
import { connected } from '../support/connected.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

describe('pausing', () => {
  it('ends the session, and has later calls told in words, without a request to the server', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    scenario.transport.pause();
    await scenario.fact('sessionEnded');
    assert.equal(server.sessions.length, 0);
    const before = server.requests.length;
    assert.equal(await scenario.call('count', 'a'), 'CONNECTION_PAUSED');
    await assert.rejects(
      scenario.transport.resetSession(),
      (error) => isResilientMcpError(error, 'CONNECTION_PAUSED') && /Resume/.test(error.advice ?? ''),
    );
    assert.equal(server.requests.length, before);
    assert.equal(server.runs('a'), 0);
    const { status, generation, sessionLabel } = scenario.transport.snapshot();
    assert.deepEqual([status, generation, sessionLabel], ['paused', 1, undefined]);
  });

  it('lets what is under way be answered, and fails what waits', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    const hold = server.hold({ tool: 'count' });
    const calling = scenario.call('count', 'a');
    await hold.arrived();
    scenario.transport.pause();
    hold.release();
    assert.equal(await calling, 'ran a');
    await scenario.fact('sessionEnded');

    scenario.transport.resume();
    await scenario.state(({ status }) => status === 'ready');
    await server.refuseConnections();
    await scenario.transport.check();
    await scenario.state(({ status }) => status === 'unreachable');
    const waiting = scenario.call('peek', 'b');
    // So that it has come as far as the gate, over whatever way.
    await new Promise(setImmediate);
    scenario.transport.pause();
    assert.equal(await waiting, 'CONNECTION_PAUSED');
  });

  it('ends with a new session that has what the last one had', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.client.setLoggingLevel('warning');
    scenario.transport.pause();
    scenario.transport.resume();
    await scenario.state(({ status }) => status === 'ready');
    assert.equal(await scenario.call('count', 'a'), 'ran a');
    assert.equal(scenario.transport.snapshot().generation, 2);
    assert.equal(server.count({ rpc: 'logging/setLevel' }), 2);
    assert.equal(scenario.facts('connectionPaused').length, 1);
    assert.equal(scenario.facts('connectionResumed').length, 1);
    assert.equal(scenario.facts('sessionLost').length, 0);
  });

  it('keeps no session that was being opened, and tries no more', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    const hold = server.hold({ rpc: 'initialize' });
    server.forgetSessions('404-java');
    const calling = scenario.call('count', 'a');
    await hold.arrived();
    scenario.transport.pause();
    assert.equal(await calling, 'CONNECTION_PAUSED');
    hold.release();
    await scenario.fact('sessionEnded');
    assert.equal(server.sessions.length, 0);
    assert.equal(scenario.transport.snapshot().status, 'paused');
  });

  it('refuses the first handshake in words', async () => {
    await using server = await ScriptedServer.start();
    const transport = new ResilientTransport(server.url);
    transport.pause();
    await assert.rejects(new Client({ name: 'pausing', version: '1.0.0' }).connect(transport), (error) =>
      isResilientMcpError(error, 'CONNECTION_PAUSED'),
    );
    assert.equal(server.requests.length, 0);
  });
});
