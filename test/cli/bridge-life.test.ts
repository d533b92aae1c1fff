import assert from 'node:assert/strict';
import { freePort } from '../../harness/free-port.ts';
import { everythingServer } from '../../harness/programs.ts';
import { SupervisedServer } from '../../harness/supervised-server.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { bridged } from './bridged.ts';
import { initialize, initialized, Running } from './running.ts';

const count = (id: string) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: 'count', arguments: { key: id } },
});

/** The words and the code of the error in an answer. */
function failure(answer: Record<string, unknown>): { message: string; code: string | undefined } {
  const { message, data } = answer.error as { message: string; data?: { code?: string } };
  return { message, code: data?.code };
}

/** A bridge whose handshake is done, and a call that the server holds. */
async function holding(server: ScriptedServer, args: readonly string[] = []) {
  const bridge = new Running(['bridge', server.url, '--verbose', ...args]);
  bridge.send(initialize);
  await bridge.answer('init');
  bridge.send(initialized);
  const hold = server.hold({ tool: 'count' });
  bridge.send(count('held'));
  await hold.arrived();
  return { bridge, hold };
}

/** Resolves when the bridge has taken notice of a signal: then it refuses what is new. */
async function isStopping(bridge: Running): Promise<void> {
  for (let id = 0; !bridge.out.some((line) => line.includes('shutting down')); id++) {
    bridge.send({ jsonrpc: '2.0', id, method: 'ping' });
    await bridge.answer(id);
  }
}

describe('the bridge, when it starts', () => {
  it('waits for a server that is not there, and answers initialize when it is', async () => {
    const program = everythingServer(await freePort());
    const url = `http://127.0.0.1:${program.port}/mcp`;
    await using bridge = new Running(['bridge', url]);
    bridge.send(initialize);
    await bridge.line(/no answer yet, retrying: .*ECONNREFUSED/, 'err');
    await using _server = await SupervisedServer.start(program);
    const { result } = await bridge.answer('init');
    assert.match(JSON.stringify(result), /mcp-servers\/everything/);
    bridge.input.end();
    assert.equal(await bridge.exitCode, 0);
  });

  it('says in words that the server is not there, once its patience is over, and takes another handshake', async () => {
    const program = everythingServer(await freePort());
    const url = `http://127.0.0.1:${program.port}/mcp`;
    await using bridge = new Running(['bridge', url, '--patience', '0.2']);
    bridge.send(initialize, { jsonrpc: '2.0', id: 'early', method: 'ping' });
    const { message, code } = failure(await bridge.answer('init'));
    assert.equal(code, 'SERVER_UNAVAILABLE');
    assert.match(message, /could not be reached: .*ECONNREFUSED.* Is the server running/);
    assert.ok(failure(await bridge.answer('early')));
    await using _server = await SupervisedServer.start(program);
    bridge.send({ ...initialize, id: 'second' }, initialized, { jsonrpc: '2.0', id: 'late', method: 'ping' });
    assert.match(JSON.stringify((await bridge.answer('second')).result), /everything/);
    assert.deepEqual((await bridge.answer('late')).result, {});
  });

  it('passes the server’s own refusal of the handshake on', async () => {
    await using server = await ScriptedServer.start();
    const error = { code: -32602, message: 'no such version here' };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 'init', error });
    server.answerNext(
      { rpc: 'initialize' },
      { status: 200, headers: { 'content-type': 'application/json' }, body },
    );
    await using bridge = new Running(['bridge', server.url]);
    bridge.send(initialize);
    assert.deepEqual((await bridge.answer('init')).error, error);
  });

  it('advises a header when the server wants authorization, and brings the one it is given', async () => {
    await using server = await ScriptedServer.start();
    const guarded = server.answerAlways({ rpc: 'initialize' }, { status: 401 });
    await using stranger = new Running(['bridge', server.url]);
    stranger.send(initialize);
    const { message, code } = failure(await stranger.answer('init'));
    assert.equal(code, 'UNAUTHORIZED');
    assert.match(message, /cannot sign in\..*--header "Authorization: Bearer \$\{env:TOKEN\}"/);
    guarded.dispose();
    const env = { SECRET: 'hunter-two-and-more' };
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as it is written on a command line
    const args = ['--header', 'Authorization: Bearer ${env:SECRET}', '--header', 'x-tenant:blue'];
    await using client = await bridged(server.url, { env, args });
    assert.equal(await client.call('count', { key: 'a' }), 'ran a');
    const { headers } = server.requests.at(-1) ?? assert.fail();
    assert.deepEqual([headers.authorization, headers['x-tenant']], ['Bearer hunter-two-and-more', 'blue']);
    assert.doesNotMatch(client.log.join('\n'), /hunter/);
  });
});

describe('the bridge, when it is to end', () => {
  const ends: Readonly<Record<string, (bridge: Running) => void>> = {
    'its input ends': (bridge) => bridge.input.end(),
    'it gets SIGTERM': (bridge) => bridge.signal('SIGTERM'),
    'it gets SIGINT': (bridge) => bridge.signal('SIGINT'),
    'it gets SIGHUP': (bridge) => bridge.signal('SIGHUP'),
  };
  for (const [what, end] of Object.entries(ends)) {
    it(`because ${what}, answers the call under way, ends the session, and exits with 0`, async () => {
      await using server = await ScriptedServer.start();
      const { bridge, hold } = await holding(server);
      await using _bridge = bridge;
      end(bridge);
      if (!bridge.input.writableEnded) await isStopping(bridge);
      assert.equal(server.count({ method: 'DELETE' }), 0);
      hold.release();
      const { result } = await bridge.answer('held');
      assert.match(JSON.stringify(result), /ran held/);
      assert.equal(await bridge.exitCode, 0);
      assert.equal(server.count({ method: 'DELETE' }), 1);
      assert.equal(server.sessions.length, 0);
    });
  }

  it('waits no longer than its grace; what is left is answered with an error', async () => {
    await using server = await ScriptedServer.start();
    const { bridge, hold } = await holding(server, ['--grace', '0.1']);
    await using _bridge = bridge;
    bridge.input.end();
    assert.equal(failure(await bridge.answer('held')).code, 'CONNECTION_CLOSED');
    assert.equal(await bridge.exitCode, 0);
    assert.equal(server.count({ method: 'DELETE' }), 1);
    hold.release();
  });

  it('does not wait for a call that the client has cancelled', async () => {
    await using server = await ScriptedServer.start();
    const { bridge, hold } = await holding(server, ['--grace', '60']);
    await using _bridge = bridge;
    bridge.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'held' } });
    bridge.input.end();
    assert.equal(await bridge.exitCode, 0);
    assert.equal(server.count({ rpc: 'notifications/cancelled' }), 1);
    assert.equal(server.count({ method: 'DELETE' }), 1);
    hold.release();
  });

  it('ends at once when it is told a second time', async () => {
    await using server = await ScriptedServer.start();
    const { bridge, hold } = await holding(server, ['--grace', '60']);
    await using _bridge = bridge;
    bridge.signal('SIGTERM');
    await isStopping(bridge);
    bridge.signal('SIGTERM');
    assert.equal(failure(await bridge.answer('held')).code, 'CONNECTION_CLOSED');
    assert.equal(await bridge.exitCode, 0);
    assert.equal(server.count({ method: 'DELETE' }), 1);
    hold.release();
  });

  it('ends when nobody reads it any more', async () => {
    await using server = await ScriptedServer.start();
    const { bridge, hold } = await holding(server, ['--grace', '60']);
    await using _bridge = bridge;
    bridge.output.destroy();
    hold.release();
    assert.equal(await bridge.exitCode, 0);
    assert.equal(server.count({ method: 'DELETE' }), 1);
  });

  it('ends as the SDK’s client wants it to, with a call under way and with a server that is not there', async () => {
    await using server = await ScriptedServer.start();
    const busy = await bridged(server.url);
    const cut = await bridged(server.url);
    const hold = server.hold({ tool: 'count' });
    const calling = busy.call('count', { key: 'a' });
    await hold.arrived();
    // Waits two seconds for the call, sends SIGTERM, and would send SIGKILL after two more.
    await busy.client.close();
    assert.equal(await calling, 'CONNECTION_CLOSED');
    assert.equal(server.sessions.length, 1);
    await server.refuseConnections();
    await cut.client.close();
    for (const { pid } of [busy, cut]) assert.throws(() => process.kill(pid, 0), /ESRCH/);
    hold.release();
  });
});
