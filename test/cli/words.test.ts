import assert from 'node:assert/strict';
import { Failed, seconds, UsageError } from '../../src/cli/command.ts';
import { endpointUrl, shownUrl } from '../../src/cli/endpoint-url.ts';
import { inWords, structured } from '../../src/cli/fact-log.ts';
import { headerFields } from '../../src/cli/header-fields.ts';
import { nearest } from '../../src/cli/nearest.ts';
import { Journal } from '../../src/client/observe/journal.ts';
import { Running } from './running.ts';

describe('a word that is not known', () => {
  const words = ['bridge', 'gateway', 'serve', 'port'];
  const meant: Readonly<Record<string, string | undefined>> = {
    brigde: 'bridge',
    brdige: 'bridge',
    gatway: 'gateway',
    gatewayy: 'gateway',
    sreve: 'serve',
    prot: 'port',
    x: undefined,
    constructor: undefined,
    '': undefined,
  };
  for (const [word, candidate] of Object.entries(meant)) {
    it(`is taken for ${candidate ?? 'nothing'} when it is "${word}"`, () => {
      assert.equal(nearest(word, words), candidate);
    });
  }
});

describe('an error that ends a program', () => {
  it('does nothing to the terminal, whatever is in it (issue 14, §6)', async () => {
    await using program = new Running(['gateway', '--nothing\u001b[31m\u009b31m\u202e\u2028']);
    await program.exitCode;
    const err = program.err.join('\n');
    assert.match(err, /\\u009b31m/);
    assert.doesNotMatch(err, /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });
});

describe('a header of the command line', () => {
  const env = { TOKEN: 'secret', EMPTY: '' };
  const variable = (name: string) => `\${env:${name}}`;

  it('is a name and a value, with what variables hold in their place', () => {
    const given = [
      `Authorization: Bearer ${variable('TOKEN')}`,
      'x-a:b',
      ' X-Time :  12:30:00 ',
      `x-e: ${variable('EMPTY')}`,
    ];
    assert.deepEqual(headerFields(given, env), {
      Authorization: 'Bearer secret',
      'x-a': 'b',
      'X-Time': '12:30:00',
      'x-e': '',
    });
  });

  const unusable: Readonly<Record<string, readonly [given: string, says: RegExp, type: new () => Error]>> = {
    'has no colon': ['Authorization', /needs a name and a value/, UsageError],
    'has no name': [': secret', /needs a name and a value/, UsageError],
    'has a name that is none': ['a(b): c', /--header a\(b\): .*cannot be sent/, UsageError],
    'has a value that cannot be sent': ['x-a: secret 秘密', /--header x-a: .*cannot be sent/, UsageError],
    'is the connection’s own': ['MCP-Session-Id: secret', /set by the connection/, UsageError],
    'names a variable that is not set': [
      `x-a: ${variable('NONE')}`,
      /--header x-a holds .*the environment has no variable "NONE"/,
      Failed,
    ],
  };
  for (const [what, [given, says, type]] of Object.entries(unusable)) {
    it(`is refused, without its value, when it ${what}`, () => {
      assert.throws(
        () => headerFields([given], env),
        (error) => {
          assert.ok(error instanceof type);
          assert.match(error.message, says);
          assert.doesNotMatch(error.message, /secret/);
          return true;
        },
      );
    });
  }
});

describe('an address of the command line', () => {
  it('is http or https, without user name and password', () => {
    assert.equal(endpointUrl('https://mcp.example/a?key=b').href, 'https://mcp.example/a?key=b');
    for (const text of ['', 'mcp.example', 'ftp://mcp.example', 'localhost:3000/mcp']) {
      assert.throws(() => endpointUrl(text), /is not an http:\/\/ or https:\/\/ address/);
    }
    assert.throws(
      () => endpointUrl('https://me:pass@mcp.example'),
      (error: Error) => {
        return error instanceof UsageError && !error.message.includes('pass@');
      },
    );
  });

  const offered: Readonly<Record<string, string | undefined>> = {
    'localhost:3000': 'http://localhost:3000/mcp',
    '127.0.0.1:8080/': 'http://127.0.0.1:8080/mcp',
    '[::1]:8080/other': 'http://[::1]:8080/other',
    'mcp.example': 'https://mcp.example/mcp',
    'mcp.example/sse?key=secret': 'https://mcp.example/sse',
    'ftp://mcp.example': undefined,
    'me:pass@mcp.example': undefined,
    'two words': undefined,
    notes: undefined,
    '': undefined,
  };
  for (const [text, url] of Object.entries(offered)) {
    it(`is offered as ${url ?? 'nothing else'} when it is "${text}"`, () => {
      assert.throws(
        () => endpointUrl(text),
        ({ message }: Error) => /Did you mean (.+)\?$/.exec(message)?.[1] === url,
      );
    });
  }

  it('is shown without its query, which may hold a key', () => {
    assert.equal(shownUrl(new URL('https://mcp.example/a?key=b#c')), 'https://mcp.example/a');
  });
});

describe('seconds', () => {
  it('are a number, with a fraction where wanted', () => {
    assert.deepEqual(
      ['0', '20', '0.25'].map((text) => seconds('x', text)),
      [0, 20_000, 250],
    );
    for (const text of ['', '-1', '1s', 'Infinity', '1e3', '999999']) {
      assert.throws(() => seconds('x', text), UsageError, text);
    }
  });
});

describe('the log of facts', () => {
  const written: string[] = [];
  const journal = new Journal({ now: () => Date.UTC(2026, 0, 2) });
  beforeEach(() => {
    written.length = 0;
  });

  it('is lines of JSON when a program is to read it', () => {
    const log = structured((line) => written.push(line));
    log(
      journal.record({
        kind: 'sessionOpened',
        generation: 1,
        session: 'abcdefgh…',
        protocolVersion: '2025-11-25',
        server: 'notes 1.0',
        durationMs: 5,
      }),
      'one',
    );
    log(journal.record({ kind: 'connectionClosed', generation: 1 }));
    assert.deepEqual(
      written.map((line) => JSON.parse(line)),
      [
        {
          time: '2026-01-02T00:00:00.000Z',
          fact: 'sessionOpened',
          generation: 1,
          session: 'abcdefgh…',
          protocolVersion: '2025-11-25',
          implementation: 'notes 1.0',
          server: 'one',
          durationMs: 5,
        },
        { time: '2026-01-02T00:00:00.000Z', fact: 'connectionClosed', generation: 1 },
      ],
    );
  });

  it('is sentences otherwise, of trouble and its end alone, one line for each whatever a server says', () => {
    const log = inWords((line) => written.push(line));
    const lost = { kind: 'sessionLost', generation: 1, evidence: '404:\u001b[31m gone\nfake line' } as const;
    log(journal.record(lost), 'one');
    log(journal.record({ kind: 'streamOpened', generation: 1 }));
    log(journal.record({ kind: 'serverAnswered', generation: 1, outageMs: 12.4 }));
    assert.deepEqual(written, [
      'one: session lost: 404: [31m gone fake line',
      'the server answers again after 12 ms',
    ]);
  });
});
