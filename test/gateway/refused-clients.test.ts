import assert from 'node:assert/strict';
import { Gateway, type RefusedClient } from '../../src/hub/gateway/index.ts';

describe('clients that the gateway refuses for want of the token', () => {
  const told: [server: string, refused: readonly RefusedClient[]][] = [];
  let gateway: Gateway;

  beforeEach(async () => {
    told.length = 0;
    gateway = new Gateway({
      upstreams: { one: { url: 'http://127.0.0.1:1/mcp' } },
      token: 'lasting',
      attachToken: 'attached',
      passingToken: 'passing',
      onRefused: (...each) => void told.push(each),
    });
    await gateway.start();
  });

  afterEach(() => gateway.close());

  const ask = (path: string, headers: Record<string, string>) =>
    fetch(new URL(path, gateway.urlOf('one')), { method: 'POST', body: '{}', headers });
  const last = () => told.at(-1)?.[1].map(({ client, requests }) => `${client} ${requests}`);

  it('are told of with the server that they wanted, by their names and without versions', async () => {
    assert.equal((await ask('/one/mcp', { 'user-agent': 'copilot-cli/1.0.85 (linux) tool/2' })).status, 401);
    await ask('/one/mcp', { 'user-agent': 'copilot-cli/1.0.86', authorization: 'Bearer passing-not' });
    assert.deepEqual(
      told.map(([server]) => server),
      ['one', 'one'],
    );
    assert.deepEqual(last(), ['copilot-cli 2']);
  });

  it('are told of no more once they bring one, of whatever kind', async () => {
    for (const [client, token] of Object.entries({ a: 'lasting', b: 'attached', c: 'passing' })) {
      await ask('/one/mcp', { 'user-agent': client });
      assert.deepEqual(last(), [`${client} 1`]);
      await ask('/one/mcp', { 'user-agent': client, authorization: `Bearer ${token}` });
      assert.deepEqual(last(), []);
    }
  });

  it('are not told of where they wanted no server that there is', async () => {
    for (const path of ['/', '/two/mcp', '/.well-known/oauth-protected-resource/one/mcp', '/mcp']) {
      await ask(path, { 'user-agent': 'scanner' });
    }
    assert.deepEqual(told, []);
  });

  it('are forgotten with the server', async () => {
    await ask('/one/mcp', { 'user-agent': 'agent' });
    await gateway.apply({});
    await gateway.apply({ one: { url: 'http://127.0.0.1:1/mcp' } });
    await ask('/one/mcp', { 'user-agent': 'agent' });
    assert.deepEqual(last(), ['agent 1']);
  });

  it('are listed up to 16, the latest', async () => {
    for (let n = 1; n <= 20; n++) await ask('/one/mcp', { 'user-agent': `agent-${n}` });
    assert.equal(last()?.length, 16);
    assert.equal(last()?.[0], 'agent-5 1');
  });
});
