import assert from 'node:assert/strict';
import { ScriptedServer } from '../support/scripted-server.ts';
import { opened, plain, WireTo } from './gateways.ts';

describe('a gateway is lax in what it takes (issue 12, §4)', () => {
  it('a DELETE that calls its missing body JSON, as every client in Python sends it: nothing is left', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const wire = await new WireTo(gateway).open();
    await server.received({ rpc: 'notifications/initialized' });
    assert.equal(server.sessions.length, 1);
    const ended = await fetch(gateway.url, {
      method: 'DELETE',
      headers: {
        ...gateway.authorization,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'mcp-session-id': wire.sessionId ?? '',
      },
    });
    assert.equal(ended.status, 200);
    assert.equal(gateway.gateway.sessions, 0);
    await server.ended({ method: 'DELETE' });
    assert.equal(server.sessions.length, 0);
  });

  it('a slash at the end of its paths', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url, { root: 'one' });
    for (const path of ['/mcp', '/mcp/', '/one/mcp', '/one/mcp/']) {
      await using client = await plain({ ...gateway, url: new URL(path, gateway.url).href });
      assert.equal(await client.call('peek', { key: path }), `ran ${path}`);
    }
  });

  it('a look for an authorization server: 404 in words, with and without the token, and no name of a server', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    for (const path of [
      '/.well-known/oauth-protected-resource',
      '/.well-known/oauth-protected-resource/one/mcp',
      '/.well-known/oauth-authorization-server/one/mcp',
      '/.well-known/openid-configuration',
      '/one/mcp/.well-known/openid-configuration',
    ]) {
      for (const headers of [{}, gateway.authorization]) {
        const answer = await fetch(new URL(path, gateway.url), { headers });
        assert.equal(answer.status, 404, path);
        assert.equal(answer.headers.get('www-authenticate'), null);
        assert.equal(
          await answer.text(),
          'This gateway has no authorization server. It wants its token, and nothing else.\n',
        );
      }
    }
  });
});
