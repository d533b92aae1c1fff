import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { freePort } from '../../harness/free-port.ts';
import { SupervisedServer, scriptPath } from '../../harness/supervised-server.ts';
import { scratchFolder } from '../support/scratch.ts';

for (const name of ['node-http', 'express', 'hono']) {
  describe(`examples/server/${name}.ts`, () => {
    it('serves an unmodified client in one session over a SIGKILL', async () => {
      // The key of the test's own: the default one belongs to the person who runs it.
      using state = scratchFolder();
      const port = await freePort();
      await using server = await SupervisedServer.start({
        name,
        script: scriptPath(`../../examples/server/${name}.ts`, import.meta.url),
        env: { PORT: String(port), XDG_STATE_HOME: state.path },
        port,
        listening: /^listening on/,
      });
      const transport = new StreamableHTTPClientTransport(new URL(server.url));
      const client = new Client({ name: 'test', version: '1.0.0' });
      await client.connect(transport as Parameters<Client['connect']>[0]);
      const { sessionId } = transport;
      const greet = async (who: string) => {
        const { content } = await client.callTool({ name: 'greet', arguments: { name: who } });
        return (content as { text: string }[])[0]?.text;
      };
      assert.equal(await greet('Ada'), 'Hello, Ada.');
      await server.restart();
      assert.equal(await greet('Grace'), 'Hello, Grace.');
      assert.equal(transport.sessionId, sessionId);
      await client.close();
    });
  });
}
