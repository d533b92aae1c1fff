import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { scratchFolder } from '../support/scratch.ts';
import { jsonReply } from '../support/scripted/reply.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { connect, gate } from './gated.ts';
import { initialize, initialized, Running } from './running.ts';

const MEBIBYTE = 1024 * 1024;

/** A server that answers a call with a text of so many characters, as JSON. */
async function largeServer(length: number) {
  const server = await ScriptedServer.start();
  const content = [{ type: 'text', text: 'x'.repeat(length) }];
  server.answerAlways({ tool: 'count' }, ({ id }) =>
    jsonReply(200, { jsonrpc: '2.0', id, result: { content } }),
  );
  return server;
}

const call = {
  jsonrpc: '2.0',
  id: 'call',
  method: 'tools/call',
  params: { name: 'count', arguments: { key: 'a' } },
};

async function bridged(url: string, ...args: string[]) {
  const bridge = new Running(['bridge', url, ...args]);
  bridge.send(initialize);
  await bridge.answer('init');
  bridge.send(initialized);
  return bridge;
}

describe('the longest message', () => {
  it('is 64 MiB through the bridge, and what --max-message says, which its refusal names', async () => {
    await using server = await largeServer(17 * MEBIBYTE);
    await using bridge = await bridged(server.url);
    bridge.send(call);
    assert.equal(JSON.stringify((await bridge.answer('call')).result).length > 17 * MEBIBYTE, true);
    await using strict = await bridged(server.url, '--max-message', '16');
    strict.send(call);
    const { error } = await strict.answer('call');
    assert.match(JSON.stringify(error), /larger than 16777216 bytes.*--max-message.*LIMIT_EXCEEDED/);
    strict.input.write(
      `{"jsonrpc":"2.0","id":"long","method":"x","params":{"a":"${'x'.repeat(16 * MEBIBYTE)}"}}\n`,
    );
    assert.match(
      JSON.stringify((await strict.answer(null)).error),
      /longer than 16777216 bytes \(--max-message\)/,
    );
  });

  it('is the same through the gateway, for one server and for those of a file', async () => {
    await using server = await largeServer(17 * MEBIBYTE);
    using folder = scratchFolder();
    writeFileSync(
      folder.file('mcp.json'),
      JSON.stringify({ servers: { one: { type: 'http', url: server.url } } }),
    );
    const file = ['--config', folder.file('mcp.json')];
    for (const [args, path] of [
      [['--url', server.url], '/mcp'],
      [file, '/one/mcp'],
    ] as const) {
      {
        await using gateway = await gate(folder, { args, path });
        await using client = await connect(gateway.url);
        assert.equal((await client.call('count', { key: 'a' })).length, 17 * MEBIBYTE);
      }
      await using gateway = await gate(folder, { args: [...args, '--max-message', '16'], path });
      await using client = await connect(gateway.url);
      assert.match(await client.call('count', { key: 'a' }), /LIMIT_EXCEEDED|--max-message/);
      // It is the client's bound as well, which else has 4 MiB.
      const text = await client.call('peek', { key: 'b', more: 'x'.repeat(5 * MEBIBYTE) });
      assert.equal(text, 'ran b');
    }
  });
});
