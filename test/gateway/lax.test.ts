import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { HeldClock } from '../support/held-clock.ts';
import { eventText } from '../support/scripted/reply.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { type Opened, opened, plain, WireTo } from './gateways.ts';

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

  const initialize = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'lax', version: '1' } },
  };

  /** A session of a client with an `Accept` of its own; none at all where it is undefined, which fetch cannot do. */
  async function accepting(gateway: Opened, accept: string | undefined) {
    const session: Record<string, string> = {};
    const post = async (body: object) => {
      const headers = {
        ...gateway.authorization,
        'content-type': 'application/json',
        ...(accept !== undefined && { accept }),
        ...session,
      };
      const asked = request(gateway.url, { method: 'POST', headers });
      asked.end(JSON.stringify(body));
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      return { status: answer.statusCode, headers: answer.headers, text: await text(answer) };
    };
    const opened = await post(initialize);
    assert.equal(opened.status, 200, opened.text);
    session['mcp-session-id'] = String(opened.headers['mcp-session-id']);
    await post({ jsonrpc: '2.0', method: 'notifications/initialized' });
    return (key: string) => {
      const params = { name: 'peek', arguments: { key } };
      return post({ jsonrpc: '2.0', id: key, method: 'tools/call', params });
    };
  }

  for (const accept of [
    '*/*',
    'application/*',
    'Application/JSON, Text/Event-Stream',
    'application/json',
    undefined,
  ]) {
    it(`Accept: ${accept ?? 'none'}`, async () => {
      await using server = await ScriptedServer.start();
      await using gateway = await opened(server.url);
      const call = await accepting(gateway, accept);
      const answer = await call('a');
      assert.equal(answer.headers['content-type'], 'application/json');
      assert.match(answer.text, /"ran a"/);
    });
  }

  it('JSON alone: answered as JSON, also where the server says something first; what it says is in the log', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const call = await accepting(gateway, 'application/json');
    server.answerNext({ tool: 'peek' }, ({ id }) => ({
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      body: [
        eventText({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x' } }),
        eventText({ jsonrpc: '2.0', id: id ?? '', result: { content: [] } }),
      ],
    }));
    const answer = await call('a');
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.deepEqual(JSON.parse(answer.text), { jsonrpc: '2.0', id: 'a', result: { content: [] } });
    const [dropped] = gateway.log.filter(({ event }) => event === 'messageDropped');
    assert.match(dropped?.reason ?? '', /^notifications\/message: the client takes JSON alone/);
  });

  it('JSON alone: answered as JSON however long it takes', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using gateway = await opened(server.url, { clock });
    const call = await accepting(gateway, 'application/json');
    const hold = server.hold({ tool: 'peek' });
    const answering = call('a');
    await server.received({ tool: 'peek' });
    await clock.advance(60_000);
    hold.release();
    const answer = await answering;
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.match(answer.text, /"ran a"/);
  });

  it('no second request under an id that is under way: it is refused, and the first is answered (issue 14, §4)', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const call = await accepting(gateway, 'application/json, text/event-stream');
    const hold = server.hold({ tool: 'peek' });
    const first = call('a');
    await server.received({ tool: 'peek' });
    const second = await call('a');
    assert.equal(second.status, 400);
    assert.match(second.text, /a request with this id is under way/);
    hold.release();
    assert.match((await first).text, /"ran a"/);
    assert.match((await call('a')).text, /"ran a"/);
    assert.equal(server.count({ tool: 'peek' }), 2);
  });
});
