import assert from 'node:assert/strict';
import { readRecording } from '../../../scripts/replay/read-recording.ts';
import { screenplayOf } from '../../../scripts/replay/screenplay.ts';
import { exportRecording } from '../../../src/diagnosis/recording/export.ts';
import type { HubFact } from '../../../src/hub/facts.ts';

type AnyFact = HubFact['fact'];

const at = Date.UTC(2026, 10, 22, 12);
const servers = [{ name: 'github', type: 'http', target: 'https://mcp.example/mcp?key=hunter2' }];
const options = { product: '1.2.3', now: at };

const opened: AnyFact = {
  kind: 'sessionOpened',
  generation: 1,
  session: '12f47aae…',
  protocolVersion: '2025-11-25',
  server: 'tiny server 1.0.0',
  durationMs: 12.34567,
};
const lost: AnyFact = { kind: 'sessionLost', generation: 1, evidence: '404: Session not found' };
const failed = {
  kind: 'exchangeFailed',
  generation: 1,
  method: 'tools/call',
  tool: 'search',
  resuming: false,
  outcome: 'lost',
  status: 404,
  reason: '404: Session not found',
  resumable: false,
  durationMs: 5,
} as const satisfies AnyFact;
const answered = {
  kind: 'requestAnswered',
  generation: 1,
  method: 'tools/call',
  tool: 'search',
  durationMs: 40,
} as const satisfies AnyFact;

/** The facts a tenth of a second apart. */
const fleetFacts = (...facts: AnyFact[]): HubFact[] =>
  facts.map((fact, index) => ({ server: 'github', at: at + index * 100, fact }));

const recordingOf = (...facts: AnyFact[]) => exportRecording(fleetFacts(...facts), servers, options);

const actsOf = (...facts: AnyFact[]) =>
  screenplayOf(readRecording(recordingOf(...facts)).connections[0]?.facts ?? []).acts;

describe('an exported journal', () => {
  it('is a header and a line for each fact', () => {
    const lines = recordingOf(opened, lost)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(lines, [
      {
        format: 'resilient-mcp/journal',
        version: 1,
        product: '1.2.3',
        exportedAt: '2026-11-22T12:00:00.000Z',
        servers: [{ name: 'github', type: 'http', target: 'https://mcp.example/mcp?…' }],
      },
      {
        server: 'github',
        at: '2026-11-22T12:00:00.000Z',
        fact: {
          kind: 'sessionOpened',
          generation: 1,
          session: '…',
          protocolVersion: '2025-11-25',
          server: 'tiny server 1.0.0',
          durationMs: 12.346,
        },
      },
      {
        server: 'github',
        at: '2026-11-22T12:00:00.100Z',
        fact: { kind: 'sessionLost', generation: 1, evidence: '404: Session not found' },
      },
    ]);
  });

  const secrets: Readonly<Record<string, string>> = {
    'a whole session id': '7c1ab1c4-0000-4000-8000-f00dfeedf00d',
    'a token': 'ghp_0123456789abcdefghijABCDEFGHIJ',
    'a JSON web token': 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N',
    'the query of an address': 'https://mcp.example/mcp?api_key=hunter2',
    'a password in an address': 'https://me:hunter2@mcp.example/mcp',
    'a home folder': '/home/jane/servers/main.ts',
    'a home folder on Windows': 'C:\\Users\\jane\\servers\\main.ts',
  };
  for (const [what, secret] of Object.entries(secrets)) {
    it(`shows nothing of ${what}, wherever a server wrote it`, () => {
      const text = recordingOf(
        { ...lost, evidence: `404: no ${secret} here` },
        { ...failed, reason: secret, method: secret, tool: secret },
        { kind: 'serverWrote', generation: 1, text: secret },
        { kind: 'serverChanged', generation: 1, what: ['version'] },
        { kind: 'handshakeRefused', generation: 0, reason: secret, waitMs: 1 },
      );
      for (const part of [secret, 'hunter2', 'jane', 'f00dfeed', 'ABCDEFGHIJ', 'dozjgNryP4J3jVmNHl0w5N']) {
        assert.ok(!text.includes(part), `${part} in ${text}`);
      }
    });
  }

  it('tells of what a program wrote only how much', () => {
    assert.match(recordingOf({ kind: 'serverWrote', generation: 1, text: 'Jane Doe' }), /"text":8/);
  });

  it('tells nothing of a fact that it does not know, but that it was', () => {
    const newer = { kind: 'newer', generation: 1, secret: 'hunter2' } as unknown as AnyFact;
    assert.deepEqual(JSON.parse(recordingOf(newer).split('\n')[1] ?? '').fact, {
      kind: 'newer',
      generation: 1,
    });
  });

  it('is read back, connection by connection', () => {
    const facts = fleetFacts(opened, answered).flatMap((fact) => [fact, { ...fact, client: 1 }]);
    const { product, connections } = readRecording(exportRecording(facts, servers, options));
    assert.equal(product, '1.2.3');
    assert.deepEqual(
      connections.map(({ server, client, facts: { length } }) => [server, client, length]),
      [
        ['github', undefined, 2],
        ['github', 1, 2],
      ],
    );
  });

  it('is read back also when a newer version wrote facts of a new kind', () => {
    const newer = { kind: 'newer', generation: 1 } as unknown as AnyFact;
    assert.equal(readRecording(recordingOf(newer, opened)).connections[0]?.facts.length, 1);
  });

  const unusable: Readonly<Record<string, readonly [text: string, says: RegExp]>> = {
    nothing: ['', /Line 1 is not JSON/],
    'no JSON': ['hello', /Line 1 is not JSON/],
    'no header': ['{"format":"other"}', /Line 1 is no header of a recording: format/],
    'a version from the future': [recordingOf().replace('"version":1', '"version":2'), /Line 1 is no header/],
    'a line that is cut off': [recordingOf(lost).slice(0, -20), /Line 2 is not JSON/],
    'no fact': [`${recordingOf()}{"server":"a"}`, /Line 2 is no fact of a recording: at/],
    'a fact without what it needs': [
      recordingOf(failed).replace('"outcome":"lost"', '"outcome":"odd"'),
      /Line 2 is no fact of a recording: outcome/,
    ],
    'a line that does not end': [`${recordingOf()}"${'x'.repeat(100_000)}"`, /Line 2 is longer than/],
  };
  for (const [what, [text, says]] of Object.entries(unusable)) {
    it(`is refused in words when it is ${what}`, () => {
      assert.throws(() => readRecording(text), { code: 'INVALID_CONFIGURATION', message: says });
    });
  }
});

describe('what a recorded server has to do', () => {
  const unreachable = {
    ...failed,
    method: 'ping',
    tool: undefined,
    outcome: 'unavailable',
    status: undefined,
    reason: 'connect ECONNREFUSED',
  } as const satisfies AnyFact;
  const cut = { ...failed, outcome: 'broken', status: undefined, reason: 'other side closed' } as const;

  it('answers and refuses in order, in the same words', () => {
    assert.deepEqual(
      actsOf(opened, answered, failed, lost).map(({ kind, ...act }) => [
        kind,
        'words' in act && [act.status, act.words, act.loses],
      ]),
      [
        ['open', false],
        ['answer', false],
        ['refuse', [404, 'Session not found', true]],
      ],
    );
  });

  it('is gone from the first break until somebody was answered', () => {
    const streamEnded: AnyFact = { kind: 'streamEnded', generation: 1, reason: 'terminated' };
    const [, away, ...rest] = actsOf(opened, streamEnded, cut, unreachable, unreachable, failed, lost);
    const held = { method: 'tools/call', tool: 'search', resuming: false, afterHead: false, latencyMs: 5 };
    assert.deepEqual(away, { kind: 'away', atMs: 100, forMs: 400, holding: [held] });
    assert.deepEqual(
      rest.map(({ kind }) => kind),
      ['refuse'],
    );
  });

  it('takes no part in a reset that the client asked for', () => {
    const reset: AnyFact = { kind: 'resetRequested', generation: 1 };
    const acts = actsOf(
      opened,
      answered,
      reset,
      { ...lost, evidence: 'reset on request' },
      { ...opened, generation: 2 },
    );
    assert.deepEqual(
      acts.map(({ kind }) => kind),
      ['open', 'answer', 'open'],
    );
  });

  it('loses a session that was lost in a way that was not recorded by 404', () => {
    const [, refuse] = actsOf(opened, { ...lost, evidence: 'its process has ended' });
    assert.deepEqual(refuse?.kind === 'refuse' && [refuse.status, refuse.loses, refuse.method], [
      404,
      true,
      undefined,
    ]);
  });

  it('does not take what a request waited for the latency of its answer', () => {
    const late = { ...answered, generation: 2, durationMs: 5000 };
    const acts = actsOf(opened, failed, lost, { ...opened, generation: 2 }, late);
    assert.equal(acts.find((act) => act.kind === 'answer')?.latencyMs, 100);
  });

  it('passes over what was said late of an older session', () => {
    const acts = actsOf(opened, failed, lost, { ...opened, generation: 2 }, failed);
    assert.deepEqual(
      acts.map(({ kind }) => kind),
      ['open', 'refuse', 'open'],
    );
  });

  it('knows which tools were called again after a break', () => {
    const replayed: AnyFact = {
      kind: 'requestReplayed',
      generation: 1,
      method: 'tools/call',
      tool: 'search',
      because: '',
    };
    const unknown: AnyFact = {
      kind: 'outcomeUnknown',
      generation: 1,
      method: 'tools/call',
      tool: 'book',
      code: '',
      reason: '',
    };
    const facts = readRecording(recordingOf(opened, cut, replayed, { ...cut, tool: 'book' }, unknown))
      .connections[0]?.facts;
    assert.deepEqual(screenplayOf(facts ?? []).tools, [
      { name: 'search', repeatable: true },
      { name: 'book', repeatable: false },
    ]);
  });

  it('has the name and the version of the server, or something in their place', () => {
    const [first] = readRecording(recordingOf(opened)).connections;
    assert.deepEqual(screenplayOf(first?.facts ?? []).server, { name: 'tiny server', version: '1.0.0' });
    assert.deepEqual(screenplayOf([]).server, { name: 'replay', version: '1' });
  });
});
