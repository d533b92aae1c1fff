import assert from 'node:assert/strict';
import { clients } from './clients.ts';
import { opened, startProgram } from './programs.ts';

const RESTARTS = 20;

for (const [name, connect] of Object.entries(clients)) {
  describe(`a server under the manager, killed ${RESTARTS} times under an unmodified ${name} client`, () => {
    it('serves every call after it is back, in the same session, with the capabilities of the client', async () => {
      await using server = await startProgram();
      await using client = await connect(server.url);
      const first = client.sessionId;
      const before = await client.call('client');
      for (let restart = 1; restart <= RESTARTS; restart += 1) {
        await server.restart();
        const texts = Array.from({ length: 5 }, (_, call) => `${restart}.${call}`);
        assert.deepEqual(await Promise.all(texts.map((text) => client.call('echo', { text }))), texts);
        assert.deepEqual(await client.call('client'), before);
        const asked = await client.call('ask', { message: `question ${restart}` });
        assert.deepEqual(asked, [server.pid, 'accept', `yes, question ${restart}`]);
        assert.deepEqual(await client.call('sample', { text: 'hello' }), [
          server.pid,
          { type: 'text', text: 'sampled' },
        ]);
        assert.equal(await client.call('reason'), 'adopted');
        assert.equal(client.sessionId, first);
      }
      assert.deepEqual([opened(server, 'new'), opened(server, 'adopted')], [1, RESTARTS]);
    });
  });
}
