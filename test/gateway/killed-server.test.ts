import assert from 'node:assert/strict';
import { freePort } from '../../harness/free-port.ts';
import { everythingServer } from '../../harness/programs.ts';
import { SupervisedServer } from '../../harness/supervised-server.ts';
import { until } from '../../harness/until.ts';
import { ledgerProcess } from '../support/ledger-process.ts';
import { obliging } from '../support/obliging.ts';
import { opened, plain } from './gateways.ts';

describe('the gateway in front of server-everything, killed and started again', () => {
  let server: SupervisedServer;
  before(async () => {
    server = await SupervisedServer.start(everythingServer(await freePort()));
  });
  after(() => server.stop());

  const sessionsOpened = () => server.output.filter((line) => line.startsWith('Session initialized')).length;

  it('answers every call; the client keeps its session, and each kill costs the server one initialize', async () => {
    await using gateway = await opened(server.url);
    await using downstream = await plain(gateway, obliging);
    const { sessionId } = downstream.transport;
    const before = sessionsOpened();
    for (let round = 1; round <= 3; round++) {
      await server.restart();
      const messages = Array.from({ length: 20 }, (_, index) => `${round}.${index}`);
      const got = await Promise.all(messages.map((message) => downstream.call('echo', { message })));
      assert.deepEqual(
        got,
        messages.map((message) => `Echo: ${message}`),
      );
      assert.equal(sessionsOpened() - before, round);
    }
    assert.equal(downstream.transport.sessionId, sessionId);
    assert.equal(gateway.gateway.sessions, 1);
  });

  it('carries what the server asks of the client, before the kill and after it', async () => {
    await using gateway = await opened(server.url);
    await using downstream = await plain(gateway, obliging);
    for (const kill of [false, true]) {
      if (kill) await server.restart();
      const sampled = await downstream.call('trigger-sampling-request', { prompt: 'p', maxTokens: 1 });
      assert.match(sampled, /"text": "sampled"/);
      assert.match(await downstream.call('trigger-elicitation-request'), /declined/i);
      assert.match(await downstream.call('get-roots-list'), /file:\/\/\/home/);
    }
  });

  it('gives the client the server’s own words on itself, and its lists, prompts and resources', async () => {
    await using gateway = await opened(server.url);
    await using downstream = await plain(gateway, obliging);
    const { client } = downstream;
    assert.equal(client.getServerVersion()?.name, 'mcp-servers/everything');
    assert.ok(client.getServerCapabilities()?.tasks);
    assert.match(client.getInstructions() ?? '', /Everything/);
    await server.restart();
    const { tools } = await client.listTools();
    assert.equal(tools.find(({ name }) => name === 'echo')?.annotations?.readOnlyHint, true);
    const args = { location: 'New York' };
    const { structuredContent } = await client.callTool({ name: 'get-structured-content', arguments: args });
    assert.ok(structuredContent);
    const [prompt] = (await client.listPrompts()).prompts;
    assert.ok((await client.getPrompt({ name: prompt?.name ?? '' })).messages.length > 0);
    const [resource] = (await client.listResources()).resources;
    assert.ok((await client.readResource({ uri: resource?.uri ?? '' })).contents.length > 0);
  });

  it('goes on with a safe call that is under way when the server is killed, and with its progress', async () => {
    await using gateway = await opened(server.url);
    await using downstream = await plain(gateway, obliging);
    // The hints that make it safe are the server's to give.
    await downstream.client.listTools();
    const first = Promise.withResolvers<void>();
    const progress: number[] = [];
    const onprogress = (update: { progress: number }) => {
      progress.push(update.progress);
      first.resolve();
    };
    const params = { name: 'trigger-long-running-operation', arguments: { duration: 0.4, steps: 2 } };
    const calling = downstream.client.callTool(params, undefined, { onprogress });
    await first.promise;
    await server.restart();
    assert.match(JSON.stringify((await calling).content), /Long running operation completed/);
    assert.deepEqual(progress, [1, 1, 2]);
  });
});

describe('the gateway in front of a ledger, killed and started again', () => {
  it('says of a call in flight at the kill that it may have run, and it has run once', async () => {
    await using ledger = await ledgerProcess();
    const { server } = ledger;
    await using gateway = await opened(server.url);
    await using downstream = await plain(gateway);
    const isWritten = (line: string) => line.includes('appended slow');
    const appended = until<string>((listener) => server.onLine(listener), isWritten);
    const calling = downstream.call('slow_append', { entry: 'slow', afterMs: 600_000 });
    await appended;
    await server.restart();
    assert.equal(await calling, 'OUTCOME_UNKNOWN');
    assert.match(await downstream.call('append', { entry: 'next' }), /^appended next/);
    assert.deepEqual(
      ledger.lines.map(({ entry }) => entry),
      ['slow', 'next'],
    );
  });
});
