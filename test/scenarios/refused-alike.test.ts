import assert from 'node:assert/strict';
import { connected } from '../support/connected.ts';
import { isFailure } from '../support/failure.ts';
import type { Dialect } from '../support/scripted/dialects.ts';
import { type HttpReply, jsonReply, refusal, rpcError } from '../support/scripted/reply.ts';
import type { RequestRecord } from '../support/scripted/request.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
const html = { 'content-type': 'text/html' };

/** An error in a good answer, in words that name the request. */
const error =
  (code: number, words: (request: RequestRecord) => string) =>
  (request: RequestRecord): HttpReply =>
    jsonReply(200, { jsonrpc: '2.0', id: request.id ?? null, error: { code, message: words(request) } });

/** A lost session in words that nobody has listed (NousResearch/hermes-agent#13383 and its like). */
const unlisted: readonly (readonly [string, Dialect])[] = [
  ['a bare 500', { status: 500 }],
  ['a page with 500', { status: 500, headers: html, body: '<h1>Internal Server Error</h1>' }],
  ['500 "Internal error"', refusal(500, -32603, 'Internal error')],
  ['500 under the id of the request', rpcError(-32603, 'Internal error', 500)],
  [
    '500 that names the request',
    (request) => ({ status: 500, body: `no transport for ${request.rpc} ${request.id}` }),
  ],
  ['403 "Forbidden"', { status: 403, body: 'Forbidden' }],
  ['a bare 401', { status: 401 }],
  ['401 "Unauthorized", without a challenge', refusal(401, -32000, 'Unauthorized')],
  ['400 under the id of the request', rpcError(-32000, 'Transport was closed', 400)],
  ['200 "not initialized"', rpcError(-32002, 'Not initialized')],
  ['200 "Connection closed"', rpcError(-32000, 'Connection closed')],
  ['200 "could not find"', rpcError(-32000, 'Could not find the transport of this client')],
  ['200 "No transport"', error(-32603, ({ sessionId }) => `No transport for ${sessionId}`)],
  ['200 "not recognized"', error(-32600, ({ id }) => `Request ${id}: client not recognized`)],
  ['200 under no id', refusal(200, -32600, 'Invalid Request')],
];

describe('a session that is lost in words nobody has listed', () => {
  for (const [name, dialect] of unlisted) {
    it(`${name}: to the calls and to the ping that follows; ${keys.length} calls at once, one new session, none run twice`, async () => {
      await using server = await ScriptedServer.start();
      await using scenario = await connected(server.url);
      await scenario.fact('streamOpened');
      server.forgetSessions(dialect);
      const got = await Promise.all(keys.map((key) => scenario.call('count', key)));
      assert.deepEqual(
        got,
        keys.map((key) => `ran ${key}`),
      );
      assert.equal(server.count({ rpc: 'initialize' }), 2);
      assert.equal(scenario.transport.snapshot().generation, 2);
      assert.deepEqual(server.ranTwice, []);
    });
  }
});

/** What the client is told of a call. */
const wordsOf = (scenario: Awaited<ReturnType<typeof connected>>, tool: string, key: string) =>
  scenario.client.callTool({ name: tool, arguments: { key } }).then(
    () => 'answered',
    (failure: unknown) => String(failure),
  );

describe('a refusal that stays on a new session', () => {
  const everyday: readonly (readonly [
    string,
    HttpReply | ((request: RequestRecord) => HttpReply),
    RegExp,
  ])[] = [
    ['500', { status: 500, body: 'database is away' }, /database is away/],
    ['400', { status: 400, body: 'maintenance' }, /maintenance/],
    ['200 with an error', rpcError(-32000, 'licence has expired'), /licence has expired/],
    [
      '400 in the words of a lost session',
      { status: 400, body: 'Invalid session name' },
      /Invalid session name/,
    ],
  ];
  for (const [name, reply, words] of everyday) {
    it(`${name}, to the call and to every ping: is the answer, in the server’s own words, and costs no second session`, async () => {
      await using server = await ScriptedServer.start();
      await using scenario = await connected(server.url);
      await scenario.fact('streamOpened');
      const rules = [
        server.answerAlways({ rpc: 'ping' }, reply),
        server.answerAlways({ tool: 'count' }, reply),
      ];
      for (const key of ['a', 'b', 'c', 'd']) assert.match(await wordsOf(scenario, 'count', key), words);
      assert.equal(server.count({ rpc: 'initialize' }), 2);
      assert.equal(server.count({ tool: 'count' }), 5);
      assert.equal(await scenario.call('peek', 'e'), 'ran e');
      for (const rule of rules) rule.dispose();
      assert.equal(await scenario.call('count', 'f'), 'ran f');
      assert.equal(scenario.transport.snapshot().status, 'ready');
    });
  }

  it('is a matter of authorization where it is a 401: it costs one session, and later calls none', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    const rule = server.answerAlways(({ rpc }) => rpc === 'tools/call' || rpc === 'ping', {
      status: 401,
      body: 'Wrong key',
    });
    for (const key of ['a', 'b', 'c']) {
      const failure = await scenario.client
        .callTool({ name: 'count', arguments: { key } })
        .catch((error: unknown) => error);
      assert.ok(isFailure(failure, 'UNAUTHORIZED'), String(failure));
      assert.match(failure.message, /Wrong key/);
    }
    assert.equal(server.count({ rpc: 'initialize' }), 2);
    rule.dispose();
    await scenario.state(({ status }) => status === 'ready');
    assert.equal(await scenario.call('count', 'd'), 'ran d');
    assert.equal(server.count({ rpc: 'initialize' }), 2);
  });

  it('is a matter of authorization where "initialized" gets a 401', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways(({ rpc }) => rpc !== 'initialize', { status: 401, body: 'Wrong key' });
    const failure = await connected(server.url).then(
      async (scenario) => {
        // The bridge and the gateway have said by now that the client is connected.
        await using _ = scenario;
        return await scenario.client.listTools().catch((error: unknown) => error);
      },
      (error: unknown) => error,
    );
    assert.ok(isFailure(failure, 'UNAUTHORIZED'), String(failure));
  });

  it('reaches the caller at once, and costs no session, where no new one can be opened', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    const broken = server.answerAlways({ method: 'POST' }, { status: 500, body: 'disk is full' });
    assert.match(await wordsOf(scenario, 'count', 'a'), /500: disk is full/);
    broken.dispose();
    assert.equal(await scenario.call('count', 'b'), 'ran b');
    assert.equal(scenario.transport.snapshot().generation, 1);
    assert.equal(server.sessions.length, 1);
  });

  it('may mean a lost session after all once the server was away', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    const reply = { status: 500, body: 'Internal server error' };
    const rules = [
      server.answerAlways({ rpc: 'ping' }, reply),
      server.answerAlways({ tool: 'count' }, reply),
    ];
    assert.match(await wordsOf(scenario, 'count', 'a'), /Internal server error/);
    for (const rule of rules) rule.dispose();
    await scenario.fact('streamOpened', 2);
    await server.restart(reply);
    await scenario.fact('streamEnded', 2);
    assert.equal(await scenario.call('count', 'b'), 'ran b');
  });

  it('does not have a call run again that may have run: 500 in other words than the ping', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    server.answerAlways({ rpc: 'ping' }, { status: 500, body: 'pings are broken' });
    server.answerNext(
      { tool: 'count' },
      { status: 500, body: 'the result could not be written', afterRun: true },
    );
    assert.match(await wordsOf(scenario, 'count', 'a'), /the result could not be written/);
    assert.equal(server.runs('a'), 1);
    assert.equal(await scenario.call('count', 'b'), 'ran b');
  });
});

describe('a 400 that only looks like a lost session', () => {
  const underItsId = (code: number, message: string) => rpcError(code, message, 400);
  const lookAlikes: readonly (readonly [string, HttpReply | ((request: RequestRecord) => HttpReply)])[] = [
    ['Invalid session name for tool tmux', { status: 400, body: 'Invalid session name for tool tmux' }],
    ['user session quota exceeded', jsonReply(400, { error: 'user session quota exceeded' })],
    [
      'Training session 42 not found in the calendar',
      { status: 400, body: 'Training session 42 not found in the calendar' },
    ],
    [
      'Unknown session type bash; expected ssh or local',
      underItsId(-32602, 'Unknown session type bash; expected ssh or local'),
    ],
    [
      'Browser session is closed; call browser_open first',
      underItsId(-32000, 'Browser session is closed; call browser_open first'),
    ],
    [
      'The login session of user bob has expired at the identity provider',
      jsonReply(400, { error: 'The login session of user bob has expired at the identity provider' }),
    ],
    ['session cookie missing', { status: 400, body: 'session cookie missing' }],
  ];
  for (const [words, reply] of lookAlikes) {
    it(`"${words}": one ping, no new session, and the words reach the caller`, async () => {
      await using server = await ScriptedServer.start();
      await using scenario = await connected(server.url);
      await scenario.fact('streamOpened');
      server.answerNext({ tool: 'count' }, reply);
      assert.ok((await wordsOf(scenario, 'count', 'a')).includes(words));
      assert.equal(await scenario.call('count', 'b'), 'ran b');
      assert.equal(server.count({ rpc: 'initialize' }), 1);
      assert.ok(server.count({ rpc: 'ping' }) <= 1);
      assert.equal(server.runs('a'), 0);
    });

    it(`"${words}", under 200 and the call’s id: the same`, async () => {
      await using server = await ScriptedServer.start();
      await using scenario = await connected(server.url);
      await scenario.fact('streamOpened');
      server.answerAlways({ tool: 'count' }, rpcError(-32000, words));
      for (const key of ['a', 'b', 'c', 'd']) {
        assert.ok((await wordsOf(scenario, 'count', key)).includes(words));
      }
      assert.equal(server.count({ rpc: 'initialize' }), 1);
      assert.ok(server.count({ rpc: 'ping' }) <= 4);
    });
  }

  it('word for word as an SDK says it, call after call: costs one session at most, and the words reach the caller', async () => {
    await using server = await ScriptedServer.start();
    await using scenario = await connected(server.url);
    await scenario.fact('streamOpened');
    server.answerAlways({ tool: 'count' }, { status: 400, body: 'Invalid session ID' });
    for (const key of ['a', 'b', 'c', 'd', 'e']) {
      assert.match(await wordsOf(scenario, 'count', key), /400: Invalid session ID/);
    }
    assert.equal(server.count({ rpc: 'initialize' }), 2);
    assert.equal(await scenario.call('peek', 'f'), 'ran f');
  });
});
