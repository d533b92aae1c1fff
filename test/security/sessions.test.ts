import assert from 'node:assert/strict';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { opened, WireTo } from '../gateway/gateways.ts';
import { open, served } from '../server/served.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

describe('a session of the gateway (issue 14)', () => {
  const tokens = { token: 'lasting', attachToken: 'by-attach', passingToken: 'passing' };

  it('is good with the token that it was opened with, and with no other: not to call, to listen or to end', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url, tokens);
    const wireWith = (token: string) =>
      new WireTo({ url: gateway.url, authorization: { authorization: `Bearer ${token}` } });
    const all = Object.values(tokens);
    for (const own of all) {
      const wire = await wireWith(own).open();
      for (const other of all.filter((each) => each !== own)) {
        const thief = wireWith(other);
        thief.sessionId = wire.sessionId;
        for (const attempt of [
          () => thief.call('stolen'),
          () => thief.fetch('GET'),
          () => thief.fetch('DELETE'),
        ]) {
          assert.equal((await attempt()).status, 404, `${other} for ${own}`);
        }
      }
      assert.match(await (await wire.call(own)).text(), new RegExp(`ran ${own}`));
    }
    assert.equal(server.runs('stolen'), 0);
  });

  it('is not to be had by a token alone, or by an id alone', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url, tokens);
    const wire = await new WireTo(gateway).open();
    const withoutToken = new WireTo({ url: gateway.url, authorization: { authorization: 'Bearer wrong' } });
    withoutToken.sessionId = wire.sessionId;
    assert.equal((await withoutToken.call('stolen')).status, 401);
    const withoutId = new WireTo(gateway);
    assert.equal((await withoutId.call('stolen')).status, 400);
    assert.equal(server.runs('stolen'), 0);
  });
});

describe('a session of the companion (issue 14)', () => {
  it('refuses a second request under an id that is under way, and answers the first', async () => {
    const isHeld = Promise.withResolvers<void>();
    const ends = Promise.withResolvers<{ content: { type: 'text'; text: string }[] }>();
    const factory = () => {
      const server = new McpServer({ name: 'holds', version: '1.0.0' });
      server.registerTool('hold', {}, () => {
        isHeld.resolve();
        return ends.promise;
      });
      return server;
    };
    await using server = await served({ factory });
    const headers = { 'mcp-session-id': await open(server), 'mcp-protocol-version': '2025-11-25' };
    const request = { jsonrpc: '2.0', id: 5, method: 'tools/call', params: { name: 'hold', arguments: {} } };
    const first = server.post(request, headers);
    await isHeld.promise;
    const second = await server.post(request, headers);
    assert.equal(second.status, 400);
    assert.match(await second.text(), /a request with this id is under way/);
    ends.resolve({ content: [{ type: 'text', text: 'the first' }] });
    assert.match(await (await first).text(), /the first/);
  });
});
