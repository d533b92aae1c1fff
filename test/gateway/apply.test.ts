import assert from 'node:assert/strict';
import { ResilientTransport } from '../../src/client/index.ts';
import { Gateway, type GatewayUpstream, isResilientMcpError } from '../../src/hub/gateway/index.ts';
import { quick } from '../support/connected.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { type Plain, plain } from './gateways.ts';

/** A gateway whose servers change. */
async function started(upstreams: Readonly<Record<string, GatewayUpstream>>) {
  const gateway = new Gateway({ upstreams });
  await gateway.start();
  const authorization = { authorization: `Bearer ${gateway.token}` };
  return {
    gateway,
    to: (name: string): Promise<Plain> => plain({ url: gateway.urlOf(name), authorization }),
    [Symbol.asyncDispose]: () => gateway.close(),
  };
}

describe('a change of the gateway’s servers', () => {
  it('leaves those alone that did not change: their sessions, and their calls under way', async () => {
    await using server = await ScriptedServer.start();
    const upstream = () => ({ ...quick, url: server.url, headers: { 'x-api-key': 'a' } });
    await using opened = await started({ one: upstream() });
    await using downstream = await opened.to('one');
    const hold = server.hold({ tool: 'count' });
    const calling = downstream.call('count', { key: 'a' });
    await hold.arrived();
    await opened.gateway.apply({ one: upstream(), two: upstream() });
    hold.release();
    assert.equal(await calling, 'ran a');
    assert.equal(server.count({ rpc: 'initialize' }), 1);
    await using other = await opened.to('two');
    assert.equal(await other.call('count', { key: 'b' }), 'ran b');
    assert.deepEqual(opened.gateway.names, ['one', 'two']);
  });

  it('ends those that are gone, on both sides, and answers 404 for them in words', async () => {
    await using server = await ScriptedServer.start();
    await using opened = await started({ one: { ...quick, url: server.url } });
    await using _downstream = await opened.to('one');
    await opened.gateway.apply({});
    assert.equal(server.count({ method: 'DELETE' }), 1);
    assert.equal(opened.gateway.sessions, 0);
    assert.throws(() => opened.gateway.urlOf('one'), /no server "one"/);
  });

  it('lets a client keep its session when its server is met in another way', async () => {
    await using before = await ScriptedServer.start();
    await using after = await ScriptedServer.start();
    await using opened = await started({ one: { ...quick, url: before.url } });
    await using downstream = await opened.to('one');
    const { sessionId } = downstream.transport;
    await opened.gateway.apply({ one: { ...quick, url: after.url } });
    assert.equal(await downstream.call('count', { key: 'a' }), 'ran a');
    assert.equal(after.runs('a'), 1);
    assert.equal(before.count({ method: 'DELETE' }), 1);
    assert.equal(downstream.transport.sessionId, sessionId);
  });

  it('takes two servers of one identity for the same, whatever functions open them', async () => {
    await using server = await ScriptedServer.start();
    let made = 0;
    const upstream = (identity?: string): GatewayUpstream => ({
      ...(identity !== undefined && { identity }),
      open: () => {
        made += 1;
        return new ResilientTransport(server.url, quick);
      },
    });
    await using opened = await started({ one: upstream('a') });
    await using downstream = await opened.to('one');
    await opened.gateway.apply({ one: upstream('a') });
    assert.equal(await downstream.call('count', { key: 'a' }), 'ran a');
    assert.equal(made, 1);
    for (const changed of [upstream('b'), upstream()]) {
      const before = server.count({ method: 'DELETE' });
      await opened.gateway.apply({ one: changed });
      assert.equal(server.count({ method: 'DELETE' }) - before, 1);
      assert.match(await downstream.call('count', { key: `${made}` }), /^ran/);
    }
    assert.equal(made, 3);
  });

  it('is not made at all when one of them cannot be served', async () => {
    await using server = await ScriptedServer.start();
    const upstream = { ...quick, url: server.url };
    await using opened = await started({ one: upstream });
    await using downstream = await opened.to('one');
    const failure = await opened.gateway.apply({ two: { url: 'ftp://127.0.0.1/' } }).catch((error) => error);
    assert.ok(isResilientMcpError(failure, 'INVALID_CONFIGURATION'), String(failure));
    assert.deepEqual(opened.gateway.names, ['one']);
    assert.equal(await downstream.call('count', { key: 'a' }), 'ran a');
  });

  it('is refused once the gateway was closed', async () => {
    const gateway = new Gateway({ upstreams: {} });
    await gateway.close();
    const failure = await gateway.apply({}).catch((error) => error);
    assert.ok(isResilientMcpError(failure, 'CONNECTION_CLOSED'), String(failure));
  });
});
