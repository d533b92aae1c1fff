import assert from 'node:assert/strict';
import { Client as ClientV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { freePort } from '../../harness/free-port.ts';
import { everythingServer } from '../../harness/programs.ts';
import { SupervisedServer } from '../../harness/supervised-server.ts';
import { ledgerProcess } from '../support/ledger-process.ts';
import { obliging } from '../support/obliging.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { textOf } from '../support/sdk-client.ts';
import { SseServer } from '../support/sse-server.ts';
import { bridged } from './bridged.ts';
import { initialize, initialized, Running } from './running.ts';
import { program } from './serving.ts';

const entries = Array.from({ length: 50 }, (_, index) => `entry ${index}`);

describe('a client on stdio, when its server is killed beneath the bridge', () => {
  for (const outage of ['restarted at once', 'away while the calls come'] as const) {
    it(`and ${outage}: 50 calls at once, 50 answers, one initialize, none run twice`, async () => {
      await using ledger = await ledgerProcess();
      const { server } = ledger;
      await using client = await bridged(server.url);
      await client.fact('streamOpened');
      await server.kill();
      if (outage === 'restarted at once') await server.start();
      const calling = entries.map((entry) => client.call('append', { entry }));
      if (!server.running) {
        await client.fact('attemptFailed', 2);
        await server.start();
      }
      for (const answer of await Promise.all(calling)) assert.match(answer, /^appended entry/);
      assert.equal(ledger.lines.length, entries.length);
      assert.deepEqual(ledger.ranTwice, []);
      assert.equal(ledger.initializes, 2);
      assert.deepEqual(client.errors, []);
    });
  }

  it('while the bridge sleeps: the first call after that, which may not be repeated, is answered', async () => {
    await using server = await ScriptedServer.start();
    await using client = await bridged(server.url);
    await client.fact('streamOpened');
    for (const key of ['a', 'b', 'c', 'd', 'e']) {
      assert.equal(await client.call('count', { key: `before ${key}` }), `ran before ${key}`);
      process.kill(client.pid, 'SIGSTOP');
      await server.restart('404-json');
      const calling = client.call('count', { key });
      process.kill(client.pid, 'SIGCONT');
      assert.equal(await calling, `ran ${key}`);
      assert.equal(server.runs(key), 1);
    }
  });

  it('in the middle of calls: each caller is told that its call may have run; none runs twice', async () => {
    await using ledger = await ledgerProcess();
    const { server } = ledger;
    await using client = await bridged(server.url);
    const calling = entries.map((entry) => client.call('slow_append', { entry, afterMs: 60_000 }));
    await client.call('has', { entry: 'entry 49' });
    await server.restart();
    assert.deepEqual(new Set(await Promise.all(calling)), new Set(['OUTCOME_UNKNOWN']));
    assert.deepEqual(ledger.ranTwice, []);
    assert.match(await client.call('append', { entry: 'afterwards' }), /^appended afterwards/);
  });

  it('goes on with a safe call that is under way, and gets its progress', async () => {
    await using server = await SupervisedServer.start(everythingServer(await freePort()));
    await using client = await bridged(server.url);
    await client.client.listTools();
    const first = Promise.withResolvers<void>();
    const progress: number[] = [];
    const onprogress = (update: { progress: number }) => {
      progress.push(update.progress);
      first.resolve();
    };
    const params = { name: 'trigger-long-running-operation', arguments: { duration: 0.4, steps: 2 } };
    const calling = client.client.callTool(params, undefined, { onprogress });
    await first.promise;
    await server.restart();
    assert.match(JSON.stringify((await calling).content), /Long running operation completed/);
    // The SDK's client drops a progress that comes in one piece with the answer, as the last one may.
    assert.deepEqual(progress.slice(0, 2), [1, 1]);
  });

  it('answers what the server asks of it, before the kill and after it', async () => {
    await using server = await SupervisedServer.start(everythingServer(await freePort()));
    await using client = await bridged(server.url, obliging);
    for (const kill of [false, true]) {
      if (kill) await server.restart();
      const sampled = await client.call('trigger-sampling-request', { prompt: 'p', maxTokens: 1 });
      assert.match(sampled, /"text": "sampled"/);
      assert.match(await client.call('trigger-elicitation-request'), /declined/i);
      assert.match(await client.call('get-roots-list'), /file:\/\/\/home/);
    }
    assert.match(client.client.getInstructions() ?? '', /Everything/);
    assert.deepEqual(client.errors, []);
  });

  it('goes on with a server of HTTP+SSE', async () => {
    await using server = await SseServer.start();
    await using client = await bridged(server.url, { args: ['--sse', '--header', 'x-a: b'] });
    assert.match(await client.call('count', { key: 'a' }), /a/);
    await server.stop();
    await client.fact('serverUnavailable');
    const calling = client.call('count', { key: 'b' });
    await server.listen();
    assert.match(await calling, /b/);
    assert.deepEqual([server.count('run count a'), server.count('run count b')], [1, 1]);
    assert.equal(server.headers.at(-1)?.['x-a'], 'b');
  });

  it('may be the client of the SDK v2, which first asks for a later era', async () => {
    await using server = await SupervisedServer.start(everythingServer(await freePort()));
    const args = [program, 'bridge', server.url];
    const transport = new StdioV2({ command: process.execPath, args, stderr: 'ignore' });
    const client = new ClientV2({ name: 'v2', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
    await client.connect(transport);
    try {
      for (const kill of [false, true]) {
        if (kill) await server.restart();
        const result = await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
        assert.equal(textOf(result), 'Echo: hello');
      }
    } finally {
      await client.close();
    }
  });
});

describe('what the bridge carries', () => {
  it('reaches the server when it is a cancellation', async () => {
    await using server = await ScriptedServer.start();
    await using client = await bridged(server.url);
    const hold = server.hold({ tool: 'count' });
    const stop = new AbortController();
    const params = { name: 'count', arguments: { key: 'a' } };
    const calling = client.client.callTool(params, undefined, { signal: stop.signal });
    await hold.arrived();
    stop.abort('changed my mind');
    await assert.rejects(calling);
    await server.received({ rpc: 'notifications/cancelled' });
    const asked = server.requests.find(({ tool }) => tool === 'count');
    const cancelled = server.requests.find(({ rpc }) => rpc === 'notifications/cancelled');
    assert.equal(cancelled?.message?.params?.requestId, asked?.id);
    hold.release();
    assert.equal(await client.call('peek', { key: 'b' }), 'ran b');
    assert.deepEqual(server.violations, []);
  });

  it('are the server’s notifications too, also those of the session that replaced the first', async () => {
    await using server = await ScriptedServer.start();
    const logged: unknown[] = [];
    const heard = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await using client = await bridged(server.url, {
      prepare: (client) =>
        client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
          heard[logged.push(params.data) - 1]?.resolve();
        }),
    });
    for (const [index, data] of ['first', 'second'].entries()) {
      await client.fact('streamOpened', index + 1);
      server.notify('notifications/message', { level: 'info', data });
      await heard[index]?.promise;
      if (index === 0) await server.restart();
    }
    assert.deepEqual(logged, ['first', 'second']);
  });

  it('are messages as they were written: ids, _meta and what no revision knows, both ways', async () => {
    await using server = await ScriptedServer.start();
    await using bridge = new Running(['bridge', server.url]);
    const params = { ...initialize.params, _meta: { trace: ['a', { b: 1 }] }, unheardOf: { c: null } };
    bridge.send({ ...initialize, id: 0, params });
    const { result } = (await bridge.answer(0)) as { result: { serverInfo: unknown } };
    assert.deepEqual(result.serverInfo, { name: server.face.name, version: server.face.version });
    bridge.send(initialized);
    const call = {
      jsonrpc: '2.0',
      id: 'text-7',
      method: 'tools/call',
      params: {
        name: 'peek',
        arguments: { key: 'ü \n \u2028 👋' },
        _meta: { progressToken: 'p', 'x.y/z': [1] },
      },
    };
    bridge.send(call, { jsonrpc: '2.0', method: 'notifications/x-own', params: { deep: { er: true } } });
    const answer = await bridge.answer('text-7');
    assert.deepEqual(answer, {
      jsonrpc: '2.0',
      id: 'text-7',
      result: { content: [{ type: 'text', text: `ran ${call.params.arguments.key}` }] },
    });
    await server.received({ rpc: 'notifications/x-own' });
    const sent = (rpc: string) => server.requests.find((request) => request.rpc === rpc)?.message;
    assert.deepEqual(sent('initialize')?.params, params);
    assert.deepEqual(sent('tools/call'), call);
    assert.deepEqual(sent('notifications/x-own')?.params, { deep: { er: true } });
    await server.answered({ method: 'GET' });
    const asked = server.ask('roots/list', { _meta: { q: 1 } });
    const question = JSON.parse(await bridge.line(/roots\/list/));
    assert.deepEqual(question.params, { _meta: { q: 1 } });
    bridge.send({ jsonrpc: '2.0', id: question.id, result: { roots: [], _meta: { r: 2 } } });
    assert.deepEqual((await asked).result, { roots: [], _meta: { r: 2 } });
  });

  it('is nothing else: what is no message is answered, and no line of a log is on standard output', async () => {
    await using server = await ScriptedServer.start();
    await using bridge = new Running(['bridge', server.url]);
    bridge.send({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
    bridge.send({ jsonrpc: '2.0', id: 2, method: 'ping' });
    bridge.send({ jsonrpc: '2.0', id: 'era', method: 'server/discover' });
    bridge.input.write('no json\n\n  \n{"id":3,"method":"x"}\n17\n');
    assert.match(codeAndWords(await bridge.answer(1)), /^-32600 tools\/list came before initialize/);
    assert.deepEqual((await bridge.answer(2)).result, {});
    assert.match(
      codeAndWords(await bridge.answer('era')),
      /^-32022 The bridge speaks .* begin with initialize/,
    );
    assert.match(codeAndWords(await bridge.answer(3)), /^-32600 /);
    bridge.send(initialize);
    await bridge.answer('init');
    bridge.send({ ...initialize, id: 'again' });
    assert.match(codeAndWords(await bridge.answer('again')), /^-32600 A handshake was made before/);
    bridge.input.end('[{"jsonrpc":"2.0","id":"last","method":"ping"}]');
    assert.deepEqual((await bridge.answer('last')).result, {});
    assert.equal(await bridge.exitCode, 0);
    const messages = bridge.out.map((line) => JSON.parse(line));
    assert.deepEqual(
      messages
        .filter(({ id }) => id === null)
        .map(codeAndWords)
        .sort(),
      ['-32600 That is no JSON-RPC 2.0 message.', '-32700 That is no JSON: "n" stands at character 0.'],
    );
    assert.match(bridge.err.join('\n'), /connected to scripted 1\.0\.0/);
  });
});

function codeAndWords(message: Record<string, unknown>): string {
  const { code, message: words } = message.error as { code: number; message: string };
  return `${code} ${words}`;
}
