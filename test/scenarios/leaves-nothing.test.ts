import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { connected } from '../support/connected.ts';
import { HeldClock } from '../support/held-clock.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

const run = promisify(execFile);

describe('after close()', () => {
  it('no timer is left, whatever was under way', async () => {
    const begun: Record<string, (server: ScriptedServer) => Promise<void> | void> = {
      nothing: () => {},
      'a recovery': (server) => server.forgetSessions('404-json'),
      'an outage': (server) => server.refuseConnections(),
      'a call without an answer': (server) => void server.answerNext({ tool: 'count' }, 'hang'),
      'a stream that waits to be taken up': (server) => {
        server.style = { eventIds: true, retryMs: 1000 };
        server.answerNext({ tool: 'count' }, 'cut-stream-after-event-id');
      },
      'a wait for Retry-After': (server) => {
        server.answerNext({ tool: 'count' }, { status: 503, headers: { 'retry-after': '20' } }, 10);
      },
    };
    for (const [what, begin] of Object.entries(begun)) {
      await using server = await ScriptedServer.start();
      const clock = new HeldClock();
      const scenario = await connected(server.url, { environment: { clock } });
      await scenario.fact('streamOpened');
      await begin(server);
      const calling = scenario.call('count', 'a');
      await server.received({ method: 'POST' }, 2);
      const closing = scenario.client.close();
      await clock.advance(2000);
      await Promise.all([calling, closing]);
      await clock.advance(0);
      assert.equal(clock.pending, 0, what);
    }
  });

  it('no stream is open at the server', async () => {
    await using server = await ScriptedServer.start();
    const scenario = await connected(server.url);
    for (let round = 0; round < 5; round++) {
      await scenario.fact('streamOpened', round + 1);
      server.forgetSessions('404-json');
      await scenario.call('count', `${round}`);
    }
    await scenario.client.close();
    await server.ended({ method: 'GET' }, 5);
    assert.deepEqual(
      server.requests.filter(({ ended }) => ended === undefined).map(({ method, rpc }) => `${method} ${rpc}`),
      [],
    );
  });

  it('nothing keeps the process alive: a program that closes its client ends by itself', async () => {
    await using server = await ScriptedServer.start();
    const program = `
      import { Client } from '@modelcontextprotocol/sdk/client/index.js';
      import { ResilientTransport } from '../../src/client/index.ts';
      const client = new Client({ name: 'ends', version: '1.0.0' });
      const transport = new ResilientTransport(process.argv[1]);
      await client.connect(transport);
      for (let round = 0; round < 3; round++) {
        await transport.resetSession();
        transport.simulate({ kind: 'lost-404' });
        const keys = Array.from({ length: 50 }, (_, index) => round + ' ' + index);
        await Promise.all(keys.map((key) => client.callTool({ name: 'count', arguments: { key } })));
      }
      await client.close();
      // Sockets belong to the pool of fetch, which closes them after their keep-alive and waits for none of them.
      const left = process.getActiveResourcesInfo().filter((name) => name === 'Timeout');
      console.log(JSON.stringify({ left, generation: transport.snapshot().generation }));
    `;
    // No exit() in it: if a timer, a socket or a listener held it, it would run into the timeout and be killed.
    const args = ['--input-type=module', '--eval', program, server.url];
    const { stdout, stderr } = await run(process.execPath, args, {
      cwd: import.meta.dirname,
      timeout: 15_000,
    });
    assert.deepEqual(JSON.parse(stdout), { left: [], generation: 7 });
    // Node warns of a signal or an emitter on which listeners pile up.
    assert.equal(stderr, '');
    assert.deepEqual(
      server.requests.filter(({ ended }) => ended === undefined),
      [],
    );
  });
});
