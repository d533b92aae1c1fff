import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { freePort } from '../../harness/free-port.ts';
import { everythingServer } from '../../harness/programs.ts';
import { SupervisedServer } from '../../harness/supervised-server.ts';
import type { CheckVerdict } from '../../src/diagnosis/check.ts';
import { report } from '../../src/diagnosis/report.ts';
import { served } from '../server/served.ts';
import { type DialectName, dialectNames, proxyAnswers } from '../support/scripted/dialects.ts';
import { jsonReply, refusal, rpcError } from '../support/scripted/reply.ts';
import { ScriptedServer, type ScriptedServerOptions } from '../support/scripted-server.ts';
import { plainClient } from '../support/sdk-client.ts';
import { selfSigned } from './certificates.ts';
import { assertFinds, check, diagnosed, realEdge, withVerdict } from './diagnosed.ts';

const sessionChecks = ['session', 'unknown-session', 'end'] as const;

describe('the diagnosis of a good server', () => {
  it('finds nothing wrong with the companion, and leaves no session behind', async () => {
    await using server = await served({ resumableStreams: true });
    const diagnosis = await diagnosed(server.url);
    assert.deepEqual(withVerdict(diagnosis, 'problem'), []);
    assert.deepEqual(withVerdict(diagnosis, 'note'), []);
    assert.deepEqual(withVerdict(diagnosis, 'skipped'), ['tls']);
    assertFinds(diagnosis, 'resumption', 'ok', /was sent again/);
    assertFinds(diagnosis, 'end', 'ok', /404 says that the session is gone/);
  });

  it('is a good guest: it calls no tool, breaks no rule, and ends its session', async () => {
    await using server = await ScriptedServer.start();
    const diagnosis = await diagnosed(server.url);
    assert.deepEqual(withVerdict(diagnosis, 'problem'), []);
    assert.equal(server.runs(), 0);
    assert.deepEqual(server.violations, []);
    assert.deepEqual(server.sessions, []);
    assert.equal(server.count({ rpc: 'tools/call' }), 0);
  });

  it('understands every way in which right answers are sent', async () => {
    await using server = await ScriptedServer.start({ style: { answers: 'json' } });
    assert.deepEqual(withVerdict(await diagnosed(server.url), 'problem'), []);
    server.style = { answers: 'sse', compress: 'gzip', chunkBytes: 7, eventIds: true };
    const diagnosis = await diagnosed(server.url);
    assert.deepEqual(withVerdict(diagnosis, 'problem'), []);
    assertFinds(diagnosis, 'resumption', 'ok', /sent again/);
  });

  it('does not miss sessions at a server that has none', async () => {
    await using server = await ScriptedServer.start({ sessionIds: false });
    const diagnosis = await diagnosed(server.url);
    assert.deepEqual(withVerdict(diagnosis, 'problem'), []);
    assertFinds(diagnosis, 'era', 'ok', /none can be lost by a restart/);
    for (const id of sessionChecks) assertFinds(diagnosis, id, 'skipped', /no session id/);
    assertFinds(diagnosis, 'tools', 'ok', /3 tools/);
  });

  it('says of the reference server what a restart of it does to clients', async () => {
    await using server = await SupervisedServer.start(everythingServer(await freePort()));
    const diagnosis = await diagnosed(server.url);
    assertFinds(diagnosis, 'session', 'ok', /were answered/);
    assertFinds(diagnosis, 'unknown-session', 'problem', /POST 400.*Answer 404/);
    assertFinds(diagnosis, 'tools', 'ok', /\d+ tools/);
  });
});

describe('the diagnosis of what is answered to an unknown session', () => {
  const verdicts: Readonly<Record<string, CheckVerdict>> = { 404: 'ok', 410: 'note' };
  for (const dialect of dialectNames) {
    const verdict = verdicts[dialect.slice(0, 3)] ?? 'problem';
    it(`calls ${dialect} ${verdict}`, async () => {
      await using server = await forgetful(dialect);
      const diagnosis = await diagnosed(server.url);
      assert.equal(check(diagnosis, 'unknown-session').verdict, verdict);
      assert.equal(check(diagnosis, 'end').verdict, verdict);
    });
  }

  it('notes a server that does not look at ids', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways(
      ({ rpc, sessionId }) => rpc === 'ping' && !server.sessions.some(({ id }) => id === sessionId),
      ({ id }) => jsonReply(200, { jsonrpc: '2.0', id, result: {} }),
    );
    const diagnosis = await diagnosed(server.url);
    assertFinds(diagnosis, 'unknown-session', 'note', /does not look at ids/);
    assertFinds(diagnosis, 'end', 'problem', /goes on serving it/);
  });

  it('asks with an id of the same form, whatever that is', async () => {
    let count = 0;
    const sessionIds = () => `s${count++}.AbC-0123456789abcdef`;
    await using server = await ScriptedServer.start({ sessionIds });
    await diagnosed(server.url);
    const asked =
      server.requests.find(({ rpc, status }) => rpc === 'ping' && status === 404)?.sessionId ?? '';
    assert.match(asked, /^[a-z]\d\.[A-Z][a-z][A-Z]-\d{10}[a-z]{6}$/);
    assert.notEqual(asked, 's0.AbC-0123456789abcdef');
  });
});

describe('the diagnosis of a session', () => {
  it('finds the balancer in front of several replicas', async () => {
    await using server = await ScriptedServer.start();
    server.answerNext({ rpc: 'ping' }, refusal(404, -32001, 'Session not found'), 2);
    assertFinds(await diagnosed(server.url), 'session', 'problem', /Of 4 .* refused 2 \(404\).*affinity/);
  });

  it('finds a server that refuses what it has just issued', async () => {
    await using server = await ScriptedServer.start();
    using _ = server.refuseEverySession('404-json');
    const diagnosis = await diagnosed(server.url);
    assertFinds(
      diagnosis,
      'initialize',
      'problem',
      /refused the notification that completes the handshake \(404\)/,
    );
    assertFinds(diagnosis, 'session', 'problem', /refuses the session that it has just opened/);
  });

  it('notes ids that can be guessed, and refuses those that cannot be sent', async () => {
    const era = async (id: string) => {
      await using server = await ScriptedServer.start({ sessionIds: () => id });
      return await diagnosed(server.url);
    };
    assertFinds(await era('17'), 'era', 'note', /2 characters can be guessed/);
    assertFinds(await era('ein Platz für zwei'), 'era', 'problem', /visible ASCII/);
  });

  it('notes a server that answers ping with an error', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ rpc: 'ping' }, rpcError(-32601, 'Method not found'));
    assertFinds(await diagnosed(server.url), 'session', 'note', /ping with an error/);
  });

  const ends: Readonly<Record<string, readonly [status: number, verdict: CheckVerdict, words: RegExp]>> = {
    'clients may not end a session': [405, 'note', /does not let clients end/],
    'it refuses to end a session': [500, 'problem', /refused to end a session that it holds \(500\)/],
    'it says that a session is ended, and serves it': [200, 'problem', /goes on serving it/],
  };
  for (const [what, [status, verdict, words]] of Object.entries(ends)) {
    it(`says that ${what}`, async () => {
      await using server = await ScriptedServer.start();
      server.answerAlways({ method: 'DELETE' }, { status });
      assertFinds(await diagnosed(server.url), 'end', verdict, words);
    });
  }

  it('names the single session that another client has', async () => {
    await using server = await singleSession();
    await using _client = await plainClient(server.url);
    const diagnosis = await diagnosed(server.url);
    assertFinds(diagnosis, 'initialize', 'problem', /single session, and another client has it/);
    for (const id of sessionChecks) assertFinds(diagnosis, id, 'skipped', /opens no second one/);
  });
});

describe('the diagnosis of streams', () => {
  const streams: Readonly<
    Record<
      string,
      readonly [reply: Parameters<ScriptedServer['answerAlways']>[1], verdict: CheckVerdict, words: RegExp]
    >
  > = {
    'that there is none': [{ status: 405 }, 'ok', /no stream of its own/],
    'that it is refused with another status': [{ status: 404 }, 'note', /refused with 404/],
    'that something else is there': [
      { status: 200, headers: { 'content-type': 'text/plain' }, body: 'ok' },
      'note',
      /text\/plain, which is no stream/,
    ],
    'that it ends at once': [
      { status: 200, headers: { 'content-type': 'text/event-stream' } },
      'note',
      /ends it at once/,
    ],
    'that its head is held back': ['hang', 'note', /not even the head/],
  };
  for (const [what, [reply, verdict, words]] of Object.entries(streams)) {
    it(`says ${what}`, async () => {
      await using server = await ScriptedServer.start();
      server.answerAlways({ method: 'GET', resuming: false }, reply);
      assertFinds(await diagnosed(server.url), 'stream', verdict, words);
    });
  }

  it('finds event ids that are of no use', async () => {
    await using server = await ScriptedServer.start({ style: { eventIds: true } });
    const rule = server.answerAlways(
      { method: 'GET', resuming: true },
      refusal(400, -32000, 'Invalid event ID format'),
    );
    assertFinds(await diagnosed(server.url), 'resumption', 'problem', /answered 400/);
    rule.dispose();
    server.answerAlways(
      { method: 'GET', resuming: true },
      {
        status: 200,
        headers: { 'content-type': 'text/event-stream' },
        body: ': nothing\n\n',
        ending: 'open',
      },
    );
    assertFinds(await diagnosed(server.url), 'resumption', 'problem', /not sent again/);
  });
});

describe('the diagnosis of tools', () => {
  it('finds two of one name', async () => {
    await using server = await ScriptedServer.start({ face: { tools: [{ name: 'put' }, { name: 'put' }] } });
    assertFinds(await diagnosed(server.url), 'tools', 'problem', /same name: put/);
  });

  it('finds one without a schema', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ rpc: 'tools/list' }, ({ id }) =>
      jsonReply(200, { jsonrpc: '2.0', id, result: { tools: [{ name: 'bare' }] } }),
    );
    assertFinds(await diagnosed(server.url), 'tools', 'problem', /inputSchema of type object: bare/);
  });

  it('reads all pages, and stops somewhere', async () => {
    const tools = Array.from({ length: 120 }, (_, index) => ({ name: `tool-${index}` }));
    await using server = await ScriptedServer.start({ face: { tools, pageSize: 40 } });
    assertFinds(await diagnosed(server.url), 'tools', 'ok', /120 tools on 3 pages\. 120 without/);
    server.face.pageSize = 1;
    assertFinds(await diagnosed(server.url), 'tools', 'note', /does not end after 100 pages/);
  });

  it('passes on why the list is refused, and does not ask where none is offered', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ rpc: 'tools/list' }, rpcError(-32603, 'out of order'));
    assertFinds(await diagnosed(server.url), 'tools', 'problem', /-32603 out of order/);
    server.face.capabilities = {};
    assertFinds(await diagnosed(server.url), 'tools', 'ok', /offers no tools/);
  });
});

describe('the diagnosis of an address at which there is no MCP server', () => {
  it('says that nobody listens', async () => {
    const port = await freePort();
    const diagnosis = await diagnosed(`http://127.0.0.1:${port}/mcp`);
    assertFinds(diagnosis, 'tcp', 'problem', /Nothing listens on port/);
    assert.deepEqual(withVerdict(diagnosis, 'problem'), ['tcp']);
    assertFinds(diagnosis, 'http', 'skipped', /see Connection/);
    assertFinds(diagnosis, 'end', 'skipped', /No request can be made/);
  });

  it('says that there is no such name', async () => {
    const diagnosis = await diagnosed('http://nowhere.invalid/mcp');
    assertFinds(diagnosis, 'dns', 'problem', /nowhere\.invalid/);
    assert.deepEqual(withVerdict(diagnosis, 'problem'), ['dns']);
  });

  it('says which of several addresses is deaf', async () => {
    await using server = await ScriptedServer.start();
    const network = { ...realEdge.network, resolve: async () => ['127.0.0.1', '127.0.0.2'] };
    const url = server.url.replace('127.0.0.1', 'localhost');
    assertFinds(
      await diagnosed(url, { edge: { network } }),
      'tcp',
      'note',
      /not at 127\.0\.0\.2.*listen on all/,
    );
  });

  it('takes back what it said of the direct way when the server is reached by another', async () => {
    await using server = await ScriptedServer.start();
    const edge = { fetch: (_: string | URL, init?: RequestInit) => fetch(server.url, init) };
    const diagnosis = await diagnosed('http://behind-a-proxy.invalid/mcp', { edge });
    assert.deepEqual(withVerdict(diagnosis, 'problem'), []);
    assertFinds(diagnosis, 'dns', 'note', /answers all the same.*proxy/);
    assertFinds(diagnosis, 'end', 'ok', /404/);
  });

  const pages: Readonly<Record<string, readonly [reply: object & { status: number }, words: RegExp]>> = {
    'a page for a browser': [
      proxyAnswers.notFoundHtml,
      /no MCP endpoint at this address: the answer is 404, a page.*path/,
    ],
    'nothing under that path': [proxyAnswers.notFound, /no MCP endpoint/],
    'a login page': [proxyAnswers.loginPage, /is a page for a browser.*login page/],
    'a proxy without its server': [proxyAnswers.badGatewayHtml, /502, a page.*the server behind it is not/],
    'a server in trouble': [{ status: 500 }, /500.*log of the server/],
    'too many requests': [{ status: 429 }, /429.*limit/],
    'other media types': [{ status: 415 }, /media types of MCP/],
    'a guard of host names': [
      refusal(403, -32000, 'Invalid Host header: 127.0.0.1'),
      /403.*guards against foreign host names/,
    ],
    'another refusal': [{ status: 418 }, /refused initialize with 418/],
  };
  for (const [what, [reply, words]] of Object.entries(pages)) {
    it(`says that there is ${what}`, async () => {
      await using server = await ScriptedServer.start();
      server.answerAlways({}, reply);
      const diagnosis = await diagnosed(server.url);
      assertFinds(diagnosis, 'http', 'problem', words);
      assert.deepEqual(withVerdict(diagnosis, 'problem'), ['http']);
    });
  }

  it('knows the older transport when it sees it', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ method: 'POST' }, { status: 405 });
    const body = 'event: endpoint\ndata: /messages?sessionId=1\n\n';
    const headers = { 'content-type': 'text/event-stream' };
    server.answerAlways({ method: 'GET' }, { status: 200, headers, body, ending: 'open' });
    assertFinds(await diagnosed(server.url), 'http', 'problem', /HTTP\+SSE.*"type": "sse"/);
  });

  it('knows a server of the stateless revision', async () => {
    await using server = await ScriptedServer.start();
    const error = {
      code: -32022,
      message: 'Unsupported protocol version',
      data: { supported: ['2026-07-28'] },
    };
    server.answerAlways({ rpc: 'initialize' }, ({ id }) => jsonReply(400, { jsonrpc: '2.0', id, error }));
    server.answerAlways({ rpc: 'server/discover' }, ({ id }) =>
      jsonReply(200, { jsonrpc: '2.0', id, result: {} }),
    );
    const diagnosis = await diagnosed(server.url);
    assert.deepEqual(withVerdict(diagnosis, 'problem'), ['era']);
    assertFinds(diagnosis, 'era', 'problem', /2026-07-28 alone, and answers server\/discover/);
    assertFinds(diagnosis, 'tools', 'skipped', /has no sessions/);
  });

  it('passes on why initialize is refused, and finds an answer that is none', async () => {
    await using server = await ScriptedServer.start();
    const rule = server.answerAlways({ rpc: 'initialize' }, rpcError(-32603, 'no database'));
    assertFinds(await diagnosed(server.url), 'initialize', 'problem', /-32603 no database/);
    rule.dispose();
    server.answerAlways(
      { rpc: 'initialize' },
      { status: 200, headers: { 'content-type': 'text/plain' }, body: 'ok' },
    );
    assertFinds(await diagnosed(server.url), 'initialize', 'problem', /came as text\/plain/);
  });

  it('notes a notification that is answered with another success', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ rpc: 'notifications/initialized' }, { status: 200, afterRun: true });
    assertFinds(await diagnosed(server.url), 'initialize', 'note', /with 200, where 202/);
  });

  it('follows a redirect that a connection follows, and no other', async () => {
    await using server = await ScriptedServer.start();
    const to = (location: string) => ({ status: 307, headers: { location } });
    const rule = server.answerAlways(({ path }) => path === '/old', to('/mcp'));
    const old = server.url.replace('/mcp', '/old');
    const diagnosis = await diagnosed(old);
    assertFinds(diagnosis, 'http', 'note', /redirects \(307\) to \/mcp/);
    assertFinds(diagnosis, 'end', 'ok', /404/);
    rule.dispose();
    server.answerAlways(({ path }) => path === '/old', to('https://elsewhere.example/mcp?key=hunter2'));
    const other = await diagnosed(old);
    assertFinds(
      other,
      'http',
      'problem',
      /redirects \(307\) to https:\/\/elsewhere\.example\/mcp\?…, where no request is sent/,
    );
    assert.doesNotMatch(JSON.stringify(other), /hunter2/);
  });

  it('says that the port does not speak HTTP', async () => {
    await using server = await listening(
      createTcpServer((socket) => socket.on('error', () => {}).end('220 smtp ready\r\n')),
    );
    assertFinds(
      await diagnosed(`http://127.0.0.1:${server.port}/mcp`),
      'http',
      'problem',
      /no HTTP answer came.*something else than HTTP/,
    );
  });

  it('says that the connection is closed without a word', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({}, 'reset-before');
    assertFinds(await diagnosed(server.url), 'http', 'problem', /no HTTP answer came/);
  });

  it('says that the server went away in between', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ rpc: 'tools/list' }, 'reset-before');
    assertFinds(await diagnosed(server.url), 'tools', 'problem', /No answer came.*answered before/);
  });
});

describe('the diagnosis of encryption', () => {
  it('names a certificate that nobody trusts', async () => {
    await using server = await listening(createHttpsServer(selfSigned, (_, response) => response.end()));
    const diagnosis = await diagnosed(`https://localhost:${server.port}/mcp`);
    assertFinds(diagnosis, 'tls', 'problem', /self-signed|not for localhost/);
    assert.deepEqual(withVerdict(diagnosis, 'problem'), ['tls']);
    assert.match(
      check(diagnosis, 'tls').evidence[0]?.body ?? '',
      /certificate of mcp\.test, issued by mcp\.test/,
    );
  });

  it('finds plain HTTP where HTTPS is configured, and the reverse', async () => {
    await using plain = await listening(createHttpServer((_, response) => response.end()));
    assertFinds(await diagnosed(`https://127.0.0.1:${plain.port}/mcp`), 'tls', 'problem', /plain HTTP/);
    await using encrypted = await listening(createHttpsServer(selfSigned));
    assertFinds(await diagnosed(`http://127.0.0.1:${encrypted.port}/mcp`), 'http', 'problem', /HTTPS/);
  });

  const secured = {
    protocol: 'TLSv1.3',
    subject: 'a',
    issuer: 'b',
    validUntil: Date.UTC(2126, 0),
    fault: undefined,
  };
  const faults: Readonly<Record<string, RegExp>> = {
    CERT_HAS_EXPIRED: /has expired/,
    SELF_SIGNED_CERT_IN_CHAIN: /self-signed/,
    ERR_TLS_CERT_ALTNAME_INVALID: /not for 127\.0\.0\.1/,
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: /intermediate/,
    SOMETHING_NEW: /SOMETHING_NEW/,
  };
  for (const [fault, words] of Object.entries(faults)) {
    it(`has words for ${fault}`, async () => {
      await using server = await listening(createTcpServer((socket) => socket.destroy()));
      const network = { ...realEdge.network, secure: async () => ({ ...secured, fault }) };
      assertFinds(
        await diagnosed(`https://127.0.0.1:${server.port}/`, { edge: { network } }),
        'tls',
        'problem',
        words,
      );
    });
  }

  it('warns of a certificate that is about to end', async () => {
    await using server = await listening(createTcpServer((socket) => socket.destroy()));
    const validUntil = realEdge.clock.now() + 3_600_000;
    const network = { ...realEdge.network, secure: async () => ({ ...secured, validUntil }) };
    assertFinds(
      await diagnosed(`https://127.0.0.1:${server.port}/`, { edge: { network } }),
      'tls',
      'note',
      /Renew/,
    );
  });
});

describe('the diagnosis of authorization', () => {
  const secret = 'hunter2-hunter2-hunter2';

  it('says where a token is to be had', async () => {
    await using server = await ScriptedServer.start();
    const metadata = server.url.replace('/mcp', '/.well-known/oauth-protected-resource/mcp');
    server.answerAlways(
      ({ path }) => path.startsWith('/.well-known'),
      jsonReply(200, { resource: server.url, authorization_servers: ['https://login.example'] }),
    );
    const challenge = { 'www-authenticate': `Bearer resource_metadata="${metadata}"` };
    server.answerAlways({}, { status: 401, headers: challenge });
    const diagnosis = await diagnosed(server.url);
    assert.deepEqual(withVerdict(diagnosis, 'problem'), ['authorization']);
    assertFinds(diagnosis, 'authorization', 'problem', /none was given.*https:\/\/login\.example.*Bearer/);
    assertFinds(diagnosis, 'initialize', 'skipped', /lets nobody in/);
  });

  it('finds a server that does not say so', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({}, { status: 401 });
    assertFinds(await diagnosed(server.url), 'authorization', 'problem', /does not say how.*RFC 9728/);
  });

  it('does not go where it is sent without encryption', async () => {
    await using other = await ScriptedServer.start();
    await using server = await ScriptedServer.start();
    const challenge = { 'www-authenticate': `Bearer resource_metadata="${other.url}"` };
    server.answerAlways({}, { status: 401, headers: challenge });
    assertFinds(await diagnosed(server.url), 'authorization', 'problem', /wants authorization/);
    assert.equal(other.requests.length, 0);
  });

  it('does not go where it is sent into a network that the server is not in', async () => {
    await using server = await ScriptedServer.start();
    const challenge = { 'www-authenticate': 'Bearer resource_metadata="https://10.0.0.1:1/metadata"' };
    server.answerAlways({}, { status: 401, headers: challenge });
    const diagnosis = await diagnosed(server.url);
    assertFinds(diagnosis, 'authorization', 'problem', /wants authorization/);
    assert.doesNotMatch(JSON.stringify(diagnosis), /GET protected resource metadata/);
  });

  it('says that credentials were refused, and shows none of them', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({}, ({ headers }) => ({
      status: 401,
      headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
      body: `bad token ${headers.authorization} in ${headers['x-api-key']}`,
    }));
    const headers = { Authorization: `Bearer ${secret}`, 'X-Api-Key': 'correct-horse' };
    const diagnosis = await diagnosed(`${server.url}?key=staple`, { headers });
    assertFinds(diagnosis, 'authorization', 'problem', /refused the credentials/);
    const written = JSON.stringify(diagnosis) + report(diagnosis);
    for (const each of [secret, 'correct-horse', 'staple']) assert.ok(!written.includes(each), each);
    assert.match(written, /bad token/);
  });

  it('never writes a whole session id, that of the server or its own', async () => {
    await using server = await forgetful((request) =>
      jsonReply(404, {
        error: `no session ${request.sessionId}, did you mean 7c1ab1c4-0000-4000-8000-f00dfeedf00d?`,
      }),
    );
    const written = JSON.stringify(await diagnosed(server.url));
    const ids = [...new Set(server.requests.flatMap(({ sessionId }) => sessionId ?? []))];
    assert.equal(ids.length, 2);
    for (const id of [...ids, '7c1ab1c4-0000-4000-8000-f00dfeedf00d']) {
      assert.ok(written.includes(id.slice(0, 8)));
      assert.ok(!written.includes(id), id);
    }
  });

  it('knows the ids that it was given and has made, also those that do not look like one', async () => {
    await using server = await ScriptedServer.start({ sessionIds: () => 'Abcdefghi.Klmnopqrs.Tuvwxyzab' });
    server.forgetSessions(({ sessionId }) => jsonReply(404, { error: `no session ${sessionId}` }));
    const written = JSON.stringify(await diagnosed(server.url));
    const ids = [...new Set(server.requests.flatMap(({ sessionId }) => sessionId ?? []))];
    assert.equal(ids.length, 2);
    for (const id of ids) assert.ok(!written.includes(id), id);
  });

  it('warns of credentials that are sent without encryption', async () => {
    const headers = { Authorization: `Bearer ${secret}` };
    const diagnosis = await diagnosed('http://nowhere.invalid/mcp', { headers });
    assertFinds(diagnosis, 'configuration', 'note', /Authorization is sent without encryption/);
  });
});

describe('a diagnosis', () => {
  it('breaks off what takes too long, and shows what it was waiting for', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ rpc: 'tools/list' }, 'hang');
    const diagnosis = await diagnosed(server.url, { checkLimitMs: 1500 });
    assertFinds(diagnosis, 'tools', 'problem', /longer than 1\.5 s/);
    assert.match(check(diagnosis, 'tools').evidence[0]?.failure ?? '', /in time/);
    assertFinds(diagnosis, 'end', 'ok', /404/);
  });

  it('ends the session also when it is cancelled in the middle, and skips the rest', async () => {
    await using server = await ScriptedServer.start();
    const cancel = new AbortController();
    const onProgress = ({ title }: { title: string }) => title === 'Unknown session' && cancel.abort();
    const diagnosis = await diagnosed(server.url, { signal: cancel.signal, onProgress });
    assertFinds(diagnosis, 'session', 'ok', /answered/);
    assertFinds(diagnosis, 'unknown-session', 'skipped', /cancelled/);
    assertFinds(diagnosis, 'end', 'skipped', /cancelled/);
    assert.deepEqual(server.sessions, []);
  });

  it('skips what is left when the time for all is up', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ rpc: 'initialize' }, 'hang');
    const diagnosis = await diagnosed(server.url, { limitMs: 300 });
    assertFinds(diagnosis, 'http', 'problem', /longer than 0\.3 s/);
    assertFinds(diagnosis, 'tools', 'skipped', /was up/);
  });
});

/** A server that answers to an unknown session in a dialect. */
async function forgetful(
  dialect: DialectName | Parameters<ScriptedServer['forgetSessions']>[0],
): Promise<ScriptedServer> {
  const options: ScriptedServerOptions = {};
  const server = await ScriptedServer.start(options);
  server.forgetSessions(dialect);
  return server;
}

/** The SDK's transport by itself: one session, for whoever comes first. */
async function singleSession() {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => 'the-only-session-there-is',
  });
  transport.onmessage = (message) => {
    if (!('id' in message) || !('method' in message)) return;
    const serverInfo = { name: 'single', version: '1' };
    const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo };
    void transport.send({ jsonrpc: '2.0', id: message.id, result });
  };
  const server = await listening(
    createHttpServer((request, response) => void transport.handleRequest(request, response)),
  );
  return {
    url: `http://127.0.0.1:${server.port}/mcp`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A server on a free port, with all its connections ended when disposed of. */
async function listening(server: Server): Promise<{ readonly port: number } & AsyncDisposable> {
  const sockets = new Set<{ destroy(): unknown }>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
