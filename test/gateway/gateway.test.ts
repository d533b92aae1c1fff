import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Gateway, type GatewayOptions, isResilientMcpError } from '../../src/hub/gateway/index.ts';
import { HeldClock } from '../support/held-clock.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import { type Opened, opened, plain } from './gateways.ts';

const nowhere = 'http://127.0.0.1:1/mcp';
const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1.0.0' } },
};
const usual = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };

/** A POST by `node:http`, which also sends the headers that `fetch` keeps to itself. */
function post(url: string, headers: Record<string, string>, body: string | string[] = '{}') {
  return new Promise<{ status: number; text: string; headers: Record<string, unknown> }>(
    (resolve, reject) => {
      const attempt = request(
        url,
        { method: 'POST', headers: { ...usual, ...headers } },
        async (response) => {
          let text = '';
          for await (const chunk of response.setEncoding('utf8')) text += chunk;
          resolve({ status: response.statusCode ?? 0, text, headers: response.headers });
        },
      );
      attempt.once('error', reject);
      // Several chunks have no length in the head.
      for (const chunk of [body].flat()) attempt.write(chunk);
      attempt.end();
    },
  );
}

/** One client after what was refused: the gateway still serves. */
async function stillServes(gateway: Opened): Promise<void> {
  await using downstream = await plain(gateway);
  assert.equal(await downstream.call('peek', { key: 'still' }), 'ran still');
}

describe('the gateway, to a request that may not come in', () => {
  const tokens: [what: string, authorization: (token: string) => string | undefined][] = [
    ['no token', () => undefined],
    ['an empty one', () => 'Bearer '],
    ['a wrong one', () => 'Bearer wrong'],
    ['a part of the right one', (token) => `Bearer ${token.slice(0, -1)}`],
    ['the right one and more', (token) => `Bearer ${token}A`],
    ['the right one and a second', (token) => `Bearer ${token} ${token}`],
    ['the right one in another scheme', (token) => `Basic ${token}`],
    ['the right one without a scheme', (token) => token],
  ];
  for (const [what, authorizationOf] of tokens) {
    it(`answers 401 to ${what}, whatever the path`, async () => {
      await using gateway = await opened(nowhere);
      const authorization = authorizationOf(gateway.gateway.token);
      for (const path of ['/one/mcp', '/two/mcp', '/']) {
        const headers = authorization === undefined ? {} : { authorization };
        const answer = await post(new URL(path, gateway.url).href, headers);
        assert.equal(answer.status, 401, path);
        assert.match(String(answer.headers['www-authenticate']), /^Bearer /);
        assert.match(answer.text, /wants its token/);
      }
      assert.equal(gateway.gateway.sessions, 0);
    });
  }

  for (const host of ['evil.example', 'localhost.evil.example', '10.0.0.1']) {
    it(`answers 403 to the host ${host}, also with the token: a name can be pointed at this machine`, async () => {
      await using gateway = await opened(nowhere);
      for (const path of ['/one/mcp', '/two/mcp']) {
        const url = new URL(path, gateway.url).href;
        const answer = await post(url, { ...gateway.authorization, host });
        assert.equal(answer.status, 403);
        assert.match(answer.text, /host/);
      }
    });
  }

  for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1.evil.example']) {
    it(`answers 403 to a page of ${origin}, also with the token`, async () => {
      await using gateway = await opened(nowhere);
      const answer = await post(gateway.url, { ...gateway.authorization, origin });
      assert.equal(answer.status, 403);
    });
  }

  it('lets no page read its answers: it sends no header of CORS', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const origin = 'http://localhost:5173';
    const answer = await post(gateway.url, { ...gateway.authorization, origin }, JSON.stringify(initialize));
    assert.equal(answer.status, 200);
    const preflight = await fetch(gateway.url, { method: 'OPTIONS', headers: { origin } });
    assert.equal(preflight.status, 401);
    for (const names of [Object.keys(answer.headers), [...preflight.headers.keys()]]) {
      assert.deepEqual(
        names.filter((name) => name.startsWith('access-control')),
        [],
      );
    }
  });

  it('answers 404 in words to a path that is no server of it, and names those it has', async () => {
    await using gateway = await opened(nowhere);
    for (const path of [
      '/',
      '/one',
      '/mcp',
      '/one/mcp//',
      '/two/mcp',
      '/constructor/mcp',
      '/%/mcp',
      '/%ff/mcp',
    ]) {
      const answer = await post(new URL(path, gateway.url).href, gateway.authorization);
      assert.equal(answer.status, 404, path);
      assert.match(answer.text, /no server at this path.*\/one\/mcp/);
    }
  });
});

describe('the gateway, to a request that is too large', () => {
  const body = JSON.stringify({ ...initialize, padding: 'x'.repeat(5000) });

  it('answers 413, before a session and in one, with a length and without, and still serves', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url, { maxBodyBytes: 4000 });
    const opening = await post(gateway.url, gateway.authorization, JSON.stringify(initialize));
    const inSession = { 'mcp-session-id': String(opening.headers['mcp-session-id']) };
    for (const session of [{}, inSession]) {
      for (const chunks of [body, [body.slice(0, 3000), body.slice(3000)]]) {
        const headers = {
          ...gateway.authorization,
          ...session,
          ...(typeof chunks === 'string' && { 'content-length': String(body.length) }),
        };
        assert.equal((await post(gateway.url, headers, chunks)).status, 413);
      }
    }
    await stillServes(gateway);
  });

  it('answers 401 without reading a large body of whoever has no token', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    const large = 'x'.repeat(2 * 1024 * 1024);
    const answer = await fetch(gateway.url, { method: 'POST', body: large, headers: usual });
    assert.equal(answer.status, 401);
    await answer.text();
    await stillServes(gateway);
  });

  it('answers 431 to a head that is too large, and still serves', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url, { maxHeaderBytes: 2000 });
    const answer = await post(gateway.url, { ...gateway.authorization, 'x-padding': 'x'.repeat(3000) });
    assert.equal(answer.status, 431);
    await stillServes(gateway);
  });

  it('answers 503 to one session too many where all have a call under way, and serves those that it has', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url, { maxSessions: 2 });
    await using first = await plain(gateway);
    await using second = await plain(gateway);
    const hold = server.hold({ tool: 'count' });
    const calls = [first, second].map((client, nth) => client.call('count', { key: `${nth}` }));
    await server.received({ tool: 'count' }, 2);
    const answer = await post(gateway.url, gateway.authorization, JSON.stringify(initialize));
    assert.equal(answer.status, 503);
    assert.ok(answer.headers['retry-after']);
    hold.release();
    assert.deepEqual(await Promise.all(calls), ['ran 0', 'ran 1']);
    assert.equal(server.sessions.length, 2);
  });

  it('serves the next one of clients that never say goodbye, though all of them listen (issue 14, §5)', async () => {
    await using server = await ScriptedServer.start();
    const clock = new HeldClock();
    await using gateway = await opened(server.url, { maxSessions: 2, clock });
    await using first = await plain(gateway);
    await using _second = await plain(gateway);
    await clock.advance(1000);
    await using third = await plain(gateway);
    assert.equal(await third.call('count', { key: 'third' }), 'ran third');
    await clock.advance(1000);
    assert.equal(await first.call('count', { key: 'first' }), 'ran first');
    assert.equal(gateway.gateway.sessions, 2);
  });
});

describe('the log of the gateway', () => {
  it('names the server, and holds neither the token nor a whole session id', async () => {
    await using server = await ScriptedServer.start();
    await using gateway = await opened(server.url);
    await using downstream = await plain(gateway);
    const sessionId = downstream.transport.sessionId ?? assert.fail();
    await downstream.transport.terminateSession();
    const events = gateway.log.map(({ server, event }) => `${server} ${event}`);
    assert.deepEqual(events, ['one sessionOpened', 'one sessionEnded']);
    const written = JSON.stringify(gateway.log);
    assert.ok(!written.includes(gateway.gateway.token));
    assert.ok(!written.includes(sessionId));
  });
});

describe('the address of the gateway', () => {
  it('is on 127.0.0.1 and on no other address of the machine', async () => {
    await using gateway = await opened(nowhere);
    const { port, hostname } = new URL(gateway.url);
    assert.equal(hostname, '127.0.0.1');
    const others = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    for (const { address } of others.filter(({ address }) => address !== '127.0.0.1')) {
      const socket = connect(Number(port), address);
      await assert.rejects(once(socket, 'connect'), address);
      socket.destroy();
    }
  });

  it('holds the name of the server, encoded', async () => {
    await using server = await ScriptedServer.start();
    for (const name of ['two words', 'a/b', 'ü?#%', '…']) {
      const gateway = new Gateway({ upstreams: { [name]: { url: server.url } } });
      const port = await gateway.start();
      const url = gateway.urlOf(name);
      assert.equal(url, `http://127.0.0.1:${port}/${encodeURIComponent(name)}/mcp`);
      const headers = { authorization: `bearer ${gateway.token}` };
      assert.equal((await post(url, headers, JSON.stringify(initialize))).status, 200, name);
      await gateway.close();
    }
  });

  it('is the port that was asked for, which no second gateway can have', async () => {
    const first = new Gateway({ upstreams: {} });
    const port = await first.start();
    const second = new Gateway({ upstreams: {}, port });
    const failure = await second.start().catch((error) => error);
    assert.ok(isResilientMcpError(failure, 'PORT_TAKEN'), String(failure));
    assert.match(failure.message, new RegExp(`port ${port} .*EADDRINUSE`));
    // Whoever remembered the port can take another instead.
    assert.notEqual(await second.start(0), port);
    await second.close();
    await first.close();
    const third = new Gateway({ upstreams: {}, port });
    assert.equal(await third.start(), port);
    await third.close();
  });

  it('is known once it was started, and for the servers that it has', async () => {
    const gateway = new Gateway({ upstreams: { one: { url: nowhere } } });
    assert.throws(() => gateway.urlOf('one'), isInvalidState);
    await gateway.start();
    assert.throws(() => gateway.urlOf('two'), isInvalidConfiguration);
    await assert.rejects(gateway.start(), isInvalidState);
    await gateway.close();
    await gateway.close();
    await assert.rejects(gateway.start(), isInvalidState);
  });
});

describe('the options of the gateway', () => {
  it('need no token: it makes one that cannot be guessed, another for each gateway', () => {
    const [a, b] = [new Gateway({ upstreams: {} }).token, new Gateway({ upstreams: {} }).token];
    assert.notEqual(a, b);
    assert.equal(Buffer.from(a, 'base64url').length, 32);
  });

  it('may name the token', async () => {
    await using gateway = await opened(nowhere, { token: 'right' });
    assert.equal((await post(gateway.url, { authorization: 'Bearer right' })).status, 400);
  });

  const url = nowhere;
  const unusable: [what: string, options: GatewayOptions, names: RegExp][] = [
    ['an empty name', { upstreams: { '': { url } } }, /upstreams\[""\]/],
    ['a name that every client resolves away', { upstreams: { '..': { url } } }, /upstreams\["\.\."\]/],
    ['a name that is too long', { upstreams: { ['x'.repeat(65)]: { url } } }, /upstreams\["x{64}"\]/],
    ['a name that cannot be encoded', { upstreams: { '\ud800': { url } } }, /upstreams/],
    ['a url that is not http', { upstreams: { a: { url: 'ftp://127.0.0.1/' } } }, /ftp:/],
    ['a token that is no header', { upstreams: {}, token: 'a b' }, /token/],
    ['an empty token', { upstreams: {}, token: '' }, /token/],
    ['a port that is none', { upstreams: {}, port: 65_536 }, /port/],
    ['a limit of nothing', { upstreams: { a: { url } }, maxSessions: 0 }, /maxSessions/],
    ['connections of none', { upstreams: {}, maxConnections: 0 }, /maxConnections/],
    ['no time for a request', { upstreams: {}, requestTimeoutMs: Number.NaN }, /requestTimeoutMs/],
    ['a session key that is too short', { upstreams: {}, sessionKey: 'x'.repeat(31) }, /sessionKey/],
    ['a session key of too few bytes', { upstreams: {}, sessionKey: new Uint8Array(31) }, /sessionKey/],
    [
      'a server that is met in two ways',
      { upstreams: { a: { url, open: () => assert.fail() } } },
      /upstreams\["a"\]/,
    ],
  ];
  for (const [what, options, names] of unusable) {
    it(`are refused at once for ${what}, by name`, () => {
      assert.throws(
        () => new Gateway(options),
        (error: Error) => isInvalidConfiguration(error) && names.test(error.message),
      );
    });
  }
});

function isInvalidState(error: unknown): boolean {
  return isResilientMcpError(error, 'INVALID_STATE');
}

function isInvalidConfiguration(error: unknown): boolean {
  return isResilientMcpError(error, 'INVALID_CONFIGURATION');
}
