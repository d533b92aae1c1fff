import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  type HttpAnswer,
  jsonRpcError,
  looksLikeLostSession,
  verdictOf,
} from '../../src/protocol/verdict.ts';

const OUR_ID = 7;

const anAnswer = (given: Partial<HttpAnswer>): HttpAnswer => ({
  method: 'POST',
  sentSessionId: true,
  initialize: false,
  requestId: OUR_ID,
  status: 404,
  body: '',
  challenge: null,
  ...given,
});

const rpc = (code: number, message: string, id: unknown = null) =>
  JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id });

type Row = readonly [source: string, status: number, body: string];

/** Answers to a POST that carried a session id the server does not know. Sources as in protocol.md, B. */
const LOST: readonly Row[] = [
  ['TS SDK transport after a restart', 400, rpc(-32000, 'Bad Request: Server not initialized')],
  ['TS SDK transport with another session', 404, rpc(-32001, 'Session not found')],
  ['TS SDK examples up to 1.31', 400, rpc(-32000, 'Bad Request: No valid session ID provided')],
  ['TS SDK 2 documentation sample', 400, rpc(-32000, 'Bad Request: Session ID required')],
  ['Python SDK 1.12.3 to 1.25', 400, 'Bad Request: No valid session ID provided'],
  [
    'Python SDK 1.25, ended session',
    404,
    rpc(-32600, 'Not Found: Session has been terminated', 'server-error'),
  ],
  ['Python SDK, no id seen', 400, rpc(-32600, 'Bad Request: Missing session ID', 'server-error')],
  ['Python SDK 1.26 and later', 404, rpc(-32600, 'Session not found', 'server-error')],
  ['Python SDK 2, and with it FastMCP 4 and Serena 2.1', 404, rpc(-32600, 'Session not found')],
  [
    'server-everything 2026.8: an error without an id',
    400,
    '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}}',
  ],
  ['go-sdk', 404, 'session not found\n'],
  ['go-sdk, closing', 404, 'session is closing'],
  ['rmcp 0.17 and later', 404, 'Not Found: Session not found'],
  ['rmcp 3, no id seen', 400, 'Bad Request: Session ID is required'],
  ['java-sdk', 404, '{"jsonRpcError":{"code":-32603,"message":"Session not found: 1b2c"},"stackTrace":[]}'],
  [
    'java-sdk, no id seen',
    400,
    '{"jsonRpcError":{"code":-32601,"message":"Session ID required in mcp-session-id header"}}',
  ],
  ['csharp-sdk', 404, rpc(-32001, 'Session not found', OUR_ID)],
  [
    'csharp-sdk, no id seen',
    400,
    rpc(-32000, 'Bad Request: A new session can only be created by an initialize request.'),
  ],
  [
    'csharp-sdk, now stateless',
    400,
    rpc(-32000, 'Bad Request: The Mcp-Session-Id header is not supported in stateless mode'),
  ],
  ['kotlin-sdk 0.14', 404, rpc(-32000, 'Session not found')],
  [
    'kotlin-sdk 0.16: an error without an id',
    404,
    '{"error":{"code":-32001,"message":"Session not found"},"jsonrpc":"2.0"}',
  ],
  ['ruby-sdk', 404, rpc(-32600, 'Session not found')],
  ['ruby-sdk, no id seen', 400, rpc(-32600, 'Missing session ID')],
  ['php-sdk', 404, rpc(-32600, 'Session not found or has expired.')],
  ['php-sdk, foreign id', 400, 'Mcp-Session-Id header must be a valid UUID.'],
  ['swift-sdk', 404, rpc(-32600, 'Invalid Request: Not Found: Invalid or expired session ID')],
  ['swift-sdk, before init', 400, rpc(-32600, 'Bad Request: Session not initialized')],
  ['mcp-go, also where no id is seen', 404, 'Invalid session ID\n'],
  ['mcp-go before 2026', 400, 'Invalid session ID\n'],
  ['mcp-go WithStateful, ended session', 404, 'Session terminated\n'],
  ['FastMCP (TS), mcp-proxy', 404, rpc(-32001, 'Session not found')],
  ['supergateway 3', 400, 'Invalid or missing session ID'],
  ['Cloudflare agents', 404, rpc(-32001, 'Session not found')],
  ['Playwright MCP', 404, 'Session not found'],
  ['Atlassian, self-hosted', 400, 'Bad Request: No valid session ID provided'],
  [
    'Anthropic-hosted connectors',
    404,
    '{"type":"error","error":{"type":"not_found_error","message":"MCP session has been terminated or no longer exists on the server."}}',
  ],
  ['typescript-sdk#1402', 410, 'Gone'],
  [
    'microsoft/vscode#253854: the code of "method not found", but a session is spoken of',
    404,
    rpc(-32601, 'Not Found: Invalid session ID', OUR_ID),
  ],
  ['OmniRoute#5957', 404, rpc(-32000, 'Not Found: Unknown Mcp-Session-Id header')],
  ['mcphub#196', 400, rpc(-32600, 'Invalid Request: Session not found')],
  ['CopilotKit#4091', 400, rpc(-32000, 'Bad Request: No valid session. Send an initialize request first.')],
  [
    'claude-code#55970: framed as an event',
    400,
    `event: message\ndata: ${rpc(-32000, 'Bad Request: Server not initialized')}\n\n`,
  ],
  [
    'openai/codex#15815',
    400,
    rpc(-32600, "Session not initialized. Only 'initialize' and 'ping' are allowed before that"),
  ],
  ['microsoft/vscode#296545', 404, rpc(-32001, "MCP session with ID '51f0' could not be found.")],
  ['SwiftMCP#127', 404, 'Unknown session. Send initialize first.'],
  ['a bare 404', 404, ''],
  [
    'a reverse proxy during a redeploy (a new handshake meets it again, and is tried again)',
    404,
    '404 page not found',
  ],
  ['nginx', 404, '<html><head><title>404 Not Found</title></head></html>'],
];

/** Look-alikes: the session is not to be touched. */
const REJECTED: readonly Row[] = [
  ['stateless era: unknown method', 404, rpc(-32601, 'Method not found', OUR_ID)],
  ['stateless era: version', 400, rpc(-32022, 'Unsupported protocol version: 2025-06-18', OUR_ID)],
  ['stateless era: header mismatch', 400, rpc(-32020, 'Header mismatch')],
  ['stateless era: capability', 400, rpc(-32021, 'Missing required client capability')],
  ['a parse error', 400, rpc(-32700, 'Parse error: Invalid JSON')],
  ['express', 400, '<pre>SyntaxError: Unexpected token in JSON<br>content-type</pre>'],
  ['TS SDK: initialize on a live session', 400, rpc(-32600, 'Invalid Request: Server already initialized')],
  ['swift-sdk: initialize on a live session', 400, rpc(-32600, 'Bad Request: Session already initialized')],
  ['a batch', 400, rpc(-32600, 'Invalid Request: batch requests are not supported')],
  [
    'Not Acceptable',
    406,
    rpc(-32000, 'Not Acceptable: Client must accept both application/json and text/event-stream'),
  ],
  ['body too large', 413, 'Payload too large'],
  ['media type', 415, 'Unsupported Media Type'],
  ['a second stream', 409, 'Conflict: Only one SSE stream is allowed per session'],
  ['another method', 405, ''],
];

/** Words on sessions that are not ours. */
const LOOK_ALIKES = [
  'Invalid session name for tool tmux',
  '{"error":"user session quota exceeded"}',
  'Training session 42 not found in the calendar',
  rpc(-32602, 'Unknown session type bash; expected ssh or local', OUR_ID),
  rpc(-32000, 'Browser session is closed; call browser_open first', OUR_ID),
  '{"error":"The login session of user bob has expired at the identity provider"}',
  'session cookie missing',
];

/** A `ping` on the same session decides. */
const UNCLEAR: readonly Row[] = [
  ['rmcp up to 0.16', 401, 'Unauthorized: Session not found'],
  ['openai/codex#46158', 401, 'unknown session'],
  ['LanternOps/breeze#4256', 403, 'Session not found'],
  ['neotoma#1923', 503, 'Unknown session'],
  ['punkpeye/fastmcp#121', 500, rpc(-32000, 'Bad Request: No valid session ID provided')],
  ['a 400 that says nothing', 400, ''],
  ['a 400 with id null and no session wording', 400, rpc(-32000, 'Bad Request')],
  ['an internal error', 500, 'Internal Server Error'],
  ['Origin or Host', 403, rpc(-32000, 'Invalid Host: example.test')],
  ['a body that is well-formed and not taken', 422, 'Unprocessable Entity'],
  ['an answer to our own request', 400, rpc(-32602, 'Invalid params', OUR_ID)],
  [
    'kotlin-sdk 0.16, no id seen: under the id of the request',
    400,
    rpc(-32000, 'Bad Request: Server not initialized', OUR_ID),
  ],
  ['remnote-mcp-server#1', 400, rpc(-32600, 'Invalid session ID: 8c1d', OUR_ID)],
  ...LOOK_ALIKES.map((body) => ['a server that is alive, of sessions of another kind', 400, body] as const),
  [
    'a server that came back older',
    400,
    rpc(-32000, 'Bad Request: Unsupported protocol version: 2025-11-25 (supported versions: 2025-03-26)'),
  ],
];

const UNAVAILABLE: readonly (readonly [string, number, string, 'no' | 'unknown'])[] = [
  ['busy', 503, 'Service Unavailable', 'no'],
  ['TS SDK examples 1.32', 503, rpc(-32000, 'Too many open sessions'), 'no'],
  ['java-sdk, shutting down', 503, 'Server is shutting down', 'no'],
  ['rate limit', 429, 'Too Many Requests', 'no'],
  ['request timeout', 408, '', 'no'],
  [
    'Envoy, server away',
    503,
    'upstream connect error or disconnect/reset before headers. reset reason: remote connection failure',
    'no',
  ],
  [
    'Envoy, server lost on the way',
    503,
    'upstream connect error or disconnect/reset before headers. reset reason: connection termination',
    'unknown',
  ],
  ['nginx, no server', 503, '<html><h1>503 Service Temporarily Unavailable</h1></html>', 'no'],
  ['a gateway whose server is away', 502, 'Bad Gateway', 'unknown'],
  ['a gateway whose server is slow', 504, 'Gateway Timeout', 'unknown'],
  ...[520, 521, 522, 523, 524, 530].map(
    (status) => ['an edge that does not reach its origin', status, 'error code', 'unknown'] as const,
  ),
];

describe('the verdict on an HTTP answer', () => {
  describe('says that the session is lost', () => {
    for (const [source, status, body] of LOST) {
      it(`${status} of ${source}`, () => {
        assert.equal(verdictOf(anAnswer({ status, body })).kind, 'sessionLost');
      });
    }
  });

  describe('leaves the session alone', () => {
    for (const [source, status, body] of REJECTED) {
      it(`${status}: ${source}`, () => {
        assert.equal(verdictOf(anAnswer({ status, body })).kind, 'rejected');
      });
    }
  });

  describe('has a ping decide', () => {
    for (const [source, status, body] of UNCLEAR) {
      it(`${status}: ${source}`, () => {
        assert.equal(verdictOf(anAnswer({ status, body })).kind, 'unclear');
      });
    }
  });

  describe('keeps the session while the server is unavailable', () => {
    for (const [source, status, body, executed] of UNAVAILABLE) {
      it(`${status}: ${source}`, () => {
        const verdict = verdictOf(anAnswer({ status, body }));
        assert.deepEqual(
          [verdict.kind, 'executed' in verdict && verdict.executed],
          ['unavailable', executed],
        );
      });
    }
  });

  it('is never a lost session when the request carried no id, whatever was answered', () => {
    for (const [, status, body] of [...LOST, ...UNCLEAR]) {
      const { kind } = verdictOf(anAnswer({ status, body, sentSessionId: false }));
      assert.ok(kind !== 'sessionLost' && kind !== 'unclear', `${status} ${body}: ${kind}`);
    }
  });

  it('is never a lost session on initialize', () => {
    for (const [, status, body] of [...LOST, ...UNCLEAR]) {
      const { kind } = verdictOf(anAnswer({ status, body, initialize: true }));
      assert.ok(kind !== 'sessionLost' && kind !== 'unclear', `${status} ${body}: ${kind}`);
    }
  });

  it('takes a challenge for authorization, even in session wording', () => {
    const body = 'Unauthorized: Session not found';
    assert.equal(verdictOf(anAnswer({ status: 401, body, challenge: 'Bearer' })).kind, 'authorization');
    const challenge = 'Bearer error="insufficient_scope", scope="files:write"';
    assert.equal(verdictOf(anAnswer({ status: 403, body: '', challenge })).kind, 'authorization');
  });

  it('takes words alone for a lost session only where the status does not say it', () => {
    const byWords = anAnswer({ status: 400, body: 'Bad Request: No valid session ID provided' });
    assert.deepEqual(
      [verdictOf(byWords), verdictOf(anAnswer({ status: 404 }))].map(
        (each) => 'byWords' in each && each.byWords,
      ),
      [true, false],
    );
  });

  it('says why, short and without mark-up', () => {
    const [json, html] = [rpc(-32001, 'Session not found'), '<html>404</html>'].map((body) =>
      verdictOf(anAnswer({ body })),
    );
    assert.deepEqual(json, { kind: 'sessionLost', byWords: false, because: '404: Session not found' });
    assert.deepEqual(html, { kind: 'sessionLost', byWords: false, because: '404' });
    const exception =
      '{"jsonRpcError":{"code":-32603,"message":"Session \\"a\\" not found"},"cause":null,"stackTr';
    assert.deepEqual(verdictOf(anAnswer({ body: exception })), {
      kind: 'sessionLost',
      byWords: false,
      because: '404: Session "a" not found', // java-sdk 2.1: an exception and its stack, longer than what is read
    });
    const almost = verdictOf(anAnswer({ body: '{"jsonRpcError":{"code":1,"message":"\\q"}}' }));
    assert.equal(almost.kind, 'sessionLost');
    const long = verdictOf(anAnswer({ body: 'x'.repeat(5000) }));
    assert.ok('because' in long && long.because.length < 140);
  });

  describe('on the optional GET', () => {
    const onGet = (status: number, body = '', given: Partial<HttpAnswer> = {}) =>
      verdictOf(anAnswer({ method: 'GET', status, body, requestId: undefined, ...given })).kind;

    it('takes 405 and 501 for "no stream here"', () => {
      assert.deepEqual(
        [405, 501].map((status) => onGet(status)),
        ['streamNotOffered', 'streamNotOffered'],
      );
    });

    it('never takes 404, 400 or 410 for a lost session by itself (claude-code#62198)', () => {
      assert.deepEqual(
        [404, 400, 410].map((status) => onGet(status, 'Session not found')),
        ['unclear', 'unclear', 'unclear'],
      );
    });

    it('takes 401 for authorization, but has a ping decide where a session is spoken of without a challenge (rmcp 0.16)', () => {
      const body = 'Unauthorized: Session not found';
      assert.equal(onGet(401, body), 'unclear');
      assert.equal(onGet(401, body, { challenge: 'Bearer' }), 'authorization');
    });

    it('keeps the session when only the resume token was refused', () => {
      assert.equal(onGet(400, rpc(-32000, 'Invalid event ID format'), { resuming: true }), 'rejected');
    });

    it('waits for a server that is away', () => {
      assert.deepEqual(
        [502, 503, 429].map((status) => onGet(status)),
        ['unavailable', 'unavailable', 'unavailable'],
      );
    });
  });

  it('has nothing to say on DELETE', () => {
    for (const status of [400, 404, 405, 500]) {
      assert.equal(verdictOf(anAnswer({ method: 'DELETE', status })).kind, 'rejected');
    }
  });

  it('is total: any status, any body, any method has one', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('POST', 'GET', 'DELETE'),
        fc.integer({ min: 200, max: 599 }),
        fc.string(),
        fc.boolean(),
        fc.boolean(),
        fc.option(fc.string()),
        (method, status, body, sentSessionId, initialize, challenge) => {
          const verdict = verdictOf({
            method,
            status,
            body,
            sentSessionId,
            initialize,
            challenge,
            requestId: 1,
          });
          assert.equal(typeof verdict.kind, 'string');
          if (!sentSessionId || initialize) assert.notEqual(verdict.kind, 'sessionLost');
        },
      ),
    );
  });

  it('does not backtrack on hostile wording', () => {
    // An expression that backtracks takes minutes here, and runs into mocha's timeout.
    for (const piece of ['session ', 'no valid ', 'mcp-session-id ', 'server is ', '\n']) {
      const verdict = verdictOf(anAnswer({ status: 400, body: piece.repeat(8192 / piece.length) }));
      assert.ok(verdict.kind === 'unclear' || verdict.kind === 'sessionLost');
    }
  });
});

describe('a JSON-RPC error under status 200', () => {
  for (const message of [
    'Session not found',
    'Session not found or has expired.',
    'unknown session',
    'Invalid session',
    'MCP session has been terminated',
    'session 51f0 not found',
  ]) {
    it(`is doubted when it says "${message}"`, () => {
      assert.ok(looksLikeLostSession({ code: -32600, message }));
    });
  }

  for (const message of [
    'Invalid Request',
    'Browser session is busy',
    'Too many open sessions',
    'method "tools/list" is invalid during session initialization', // go-sdk 1.8, where no id is seen
    'No results in this session',
    'Unsupported protocol version in session',
  ]) {
    it(`is an answer when it says "${message}"`, () => {
      assert.ok(!looksLikeLostSession({ code: -32600, message }));
    });
  }
});

describe('the JSON-RPC error in a body', () => {
  it('is found as JSON and framed as an event, with its data', () => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 3, error: { code: 1, message: 'm', data: { a: 1 } } });
    assert.deepEqual(jsonRpcError(body), { code: 1, message: 'm', data: { a: 1 }, id: 3 });
    assert.deepEqual(jsonRpcError(`event: message\ndata: ${body}\n\n`), jsonRpcError(body));
  });

  it('is not found in anything else', () => {
    for (const body of ['', 'null', '[]', '{"error":"Session not found"}', 'data: {']) {
      assert.equal(jsonRpcError(body), undefined);
    }
  });
});
