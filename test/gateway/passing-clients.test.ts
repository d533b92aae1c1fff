import assert from 'node:assert/strict';
import { Gateway, type GatewayMemory } from '../../src/hub/gateway/index.ts';
import { quick } from '../support/connected.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { plain } from './gateways.ts';

const sessionKey = 'a key of 32 characters or more …';

describe('a client of the gateway that ends with it, as its token says', () => {
  let server: ScriptedServer;
  const remembered = new Map<string, string | undefined>();
  const memory: GatewayMemory = {
    recall: async (key) => remembered.get(key),
    remember: async (key, text) => void remembered.set(key, text),
  };

  beforeEach(async () => {
    remembered.clear();
    server = await ScriptedServer.start();
  });

  afterEach(() => server.close());

  async function started(options: { readonly shared?: boolean } = {}): Promise<Gateway> {
    const upstreams = { one: { ...quick, ...options, url: server.url } };
    const tokens = { token: 'lasting', passingToken: 'passing' };
    const gateway = new Gateway({ upstreams, ...tokens, sessionKey, memory });
    await gateway.start();
    return gateway;
  }

  const clientOf = (gateway: Gateway, token: string) =>
    plain({ url: gateway.urlOf('one'), authorization: { authorization: `Bearer ${token}` } });

  it('has its session ended at the server when the gateway keeps those of others', async () => {
    const gateway = await started();
    await using passing = await clientOf(gateway, 'passing');
    await using lasting = await clientOf(gateway, 'lasting');
    assert.equal(await passing.call('count', { key: 'a' }), 'ran a');
    assert.equal(await lasting.call('count', { key: 'b' }), 'ran b');
    const kept = server.requests.findLast(({ key }) => key === 'b')?.sessionId;
    await gateway.close({ keepSessions: true });
    assert.deepEqual(
      server.sessions.map(({ id }) => id),
      [kept],
    );
    assert.equal(server.count({ method: 'DELETE' }), 1);
    assert.equal(JSON.parse(remembered.values().next().value ?? '[]').length, 1);
  });

  it('has nothing to do with the sessions of others', async () => {
    const gateway = await started();
    await using lasting = await clientOf(gateway, 'lasting');
    const headers = { authorization: 'Bearer passing', 'mcp-session-id': lasting.transport.sessionId ?? '' };
    const foreign = await fetch(gateway.urlOf('one'), { method: 'DELETE', headers });
    assert.equal(foreign.status, 404);
    assert.equal(await lasting.call('count', { key: 'a' }), 'ran a');
    await gateway.close();
  });

  it('leaves a session that all clients share as it is', async () => {
    const gateway = await started({ shared: true });
    await using passing = await clientOf(gateway, 'passing');
    assert.equal(await passing.call('count', { key: 'a' }), 'ran a');
    await gateway.close({ keepSessions: true });
    assert.equal(server.sessions.length, 1);
  });

  it('is refused with a token that can not be one', () => {
    const options = { upstreams: {}, passingToken: 'a b' };
    assert.throws(() => new Gateway(options), { code: 'INVALID_CONFIGURATION', message: /passingToken/ });
  });
});
