import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clients } from './clients.ts';
import { lineOf, startProgram } from './programs.ts';

for (const [name, connect] of Object.entries(clients)) {
  describe(`a server under the manager with a store in a file, under an unmodified ${name} client`, () => {
    let folder = '';
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'interrupted-'));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    it('answers a call that was under way when it was killed: nobody waits for a timeout', async () => {
      const store = { sqlite: join(folder, 'sessions.db') };
      await using server = await startProgram({ store, resumableStreams: true });
      await using client = await connect(server.url);
      const waiting = lineOf(server, /^waiting$/);
      const call = client.call('wait').catch(String);
      await waiting;
      // By now the client has seen the beginning of the stream, by which it knows that it can come back for the rest.
      await client.call('pid');
      await server.restart();
      assert.match(String(await call), /may or may not have run/);
      assert.equal(await client.call('echo', { text: 'after' }), 'after');
    });

    it('remembers ends, settings, state and a handshake too large for an id, over a kill', async () => {
      const store = { sqlite: join(folder, 'sessions.db') };
      await using server = await startProgram({ store });
      await using client = await connect(server.url, { padding: 5000 });
      assert.ok((client.sessionId?.length ?? 9999) < 300);
      const before = await client.call('client');
      await client.subscribe('note://a');
      await client.call('remember', { value: 'x' });
      await server.restart();
      assert.deepEqual(await client.call('client'), before);
      assert.deepEqual(await client.call('subscribed'), [server.pid, ['note://a']]);
      assert.deepEqual(await client.call('recall'), [server.pid, { value: 'x' }]);
      const id = client.sessionId ?? '';
      await client.end();
      await server.restart();
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
      assert.equal(
        (await fetch(server.url, { method: 'POST', body, headers: { 'mcp-session-id': id } })).status,
        404,
      );
    });

    it('drains on SIGTERM: what is under way is finished, and the next process goes on', async () => {
      await using server = await startProgram();
      await using client = await connect(server.url);
      const pid = server.pid;
      const holding = lineOf(server, /^holding$/);
      const call = client.call('hold', { ms: 300 });
      await holding;
      await server.stop(10_000);
      assert.equal(await call, pid);
      await server.start();
      assert.equal(await client.call('pid'), server.pid);
    });
  });
}
