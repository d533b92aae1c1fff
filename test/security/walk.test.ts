import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** A test, by its file and by what stands in its source as its name. */
type Held = readonly [file: string, name: string];

/**
 * The attacks of issue 14, what holds now, and by which test. It is no second run of them: it keeps the list whole, since a
 * test that is renamed or taken away is missed here.
 */
const attacks: Readonly<Record<string, readonly Held[]>> = {
  '§1 a folder that is not trusted runs nothing by the user’s own servers': [
    [
      'test/vscode/trust.test.ts',
      'has the user’s own programs started in the home folder, and those of it not before it',
    ],
    ['test/vscode/trust.test.ts', 'has no file of variables read for the user’s programs'],
    ['test/config/trust.test.ts', 'it(`waits where its '],
    [
      'test/editor/restricted/restricted-mode.test.ts',
      'runs nothing that stands in the folder, though it is named like',
    ],
    ['test/editor/restricted/restricted-mode.test.ts', 'its row says why'],
  ],
  '§1 a trusted folder gets nothing of what was entered for the user’s own programs': [
    ['test/config/trust.test.ts', 'replaces it whole with any other key, without its values'],
    ['test/config/trust.test.ts', 'may make replay stricter'],
  ],
  '§1 no program has the gateway’s token or key in its environment': [
    ['test/processes/program.test.ts', 'are none of this project, such as the token of a gateway'],
    ['test/processes/program.test.ts', 'are a short list where that is chosen'],
    ['test/cli/gateway-config.test.ts', 'gives programs and modules neither its token nor its key'],
  ],
  '§2 the front of serve is guarded like every other door, and one request hangs it no more': [
    ['test/cli/front.test.ts', 'refuses a request with two Host headers, and serves everybody else'],
    ['test/cli/front.test.ts', 'is refused before a byte of the body is read, when it'],
    ['test/security/front-door.test.ts', 'lets in nobody who says twice where he wants to'],
  ],
  '§2 a request that kills its process is given to two': [
    [
      'test/cli/front.test.ts',
      'gives a request to two processes and no further, and is not given up for that',
    ],
  ],
  '§2 no path is told, and a module of the setting is met at no port': [
    ['test/cli/front.test.ts', 'assert.doesNotMatch(answer, /secret/)'],
    ['test/processes/module.test.ts', 'is met at a socket that only its user can open, and at no port'],
  ],
  '§2 bodies that arrive slowly are looked at first, bounded together, and timed': [
    ['test/cli/front.test.ts', 'holds no more than all may hold together'],
    ['test/cli/front.test.ts', 'has its time to send a request, and no more'],
  ],
  '§3 a token is good at one port, and is left with it': [
    ['test/vscode/gateway-host.test.ts', 'goes with the port: whoever has caught it'],
    ['test/vscode/gateway-host.test.ts', 'is left for ever with the port'],
    ['test/vscode/gateway-host.test.ts', 'has been given to clients: they are told of the move once'],
    ['test/vscode/extension.test.ts', 'when a stranger has the port, and the new configuration is offered'],
  ],
  '§3 whoever listens proves itself, and is not believed by a realm': [
    ['test/vscode/gateway-host.test.ts', 'who is asked for a proof; a realm is none'],
    ['test/gateway/proof.test.ts', 'is missing where a stranger passes the question on to the gateway'],
    ['test/cli/attach.test.ts', 'at the port of a file that a killed window has left'],
    ['test/cli/attach.test.ts', 'that has taken the port of a window that was met before'],
  ],
  '§3 a command renews the token': [
    [
      'test/vscode/extension.test.ts',
      'asks first, refuses the token of before, and offers the new configuration',
    ],
    ['test/gateway/proof.test.ts', 'lets nobody in by the one before, and ends what goes on by it'],
  ],
  '§4 deep JSON fails the one call': [
    ['test/scenarios/strange-answers.test.ts', 'fails that call alone, in words'],
    ['test/gateway/as-text.test.ts', 'fails the one call that is answered with it'],
    ['test/gateway/as-text.test.ts', 'is refused with its id, and not sent, when it is a request'],
    ['test/gateway/abuse.test.ts', 'JSON that is nested deeply'],
  ],
  '§4 the second request under one id is refused': [
    ['test/gateway/lax.test.ts', 'no second request under an id that is under way'],
    ['test/security/sessions.test.ts', 'refuses a second request under an id that is under way'],
  ],
  '§4 a damaged record, and a signed id over nonsense, are as if they were not there': [
    ['test/server/damaged.test.ts', 'an id that is signed by the right key over nonsense'],
    ['test/server/damaged.test.ts', 'a record of the store that is no JSON'],
  ],
  '§5 clients that never say goodbye keep nobody out': [
    ['test/server/room.test.ts', '2,000 clients that never say goodbye'],
    ['test/gateway/abuse.test.ts', 'clients that never end their sessions'],
    [
      'test/gateway/gateway.test.ts',
      'serves the next one of clients that never say goodbye, though all of them listen',
    ],
  ],
  '§5 silent connections keep nobody out': [
    ['test/gateway/connections.test.ts', '2,000 of them without a word keep nobody out'],
    ['test/gateway/connections.test.ts', 'that have shown no token make room first'],
  ],
  '§6 what is stored is its owner’s to read': [
    ['test/server/stores/stores.test.ts', 'is its owner alone to read, with all that SQLite puts beside it'],
    ['test/server/adoption.test.ts', 'leaves no id in the clear in the store'],
    ['test/server/session-key.test.ts', 'is not taken from a file that others can read'],
    ['test/server/session-key.test.ts', 'is not taken from a folder to which others may write'],
    ['test/cli/attach.test.ts', 'in a folder and a file that nobody else can read'],
  ],
  '§6 foreign text does nothing to a terminal, and is named as foreign to an agent': [
    ['test/cli/doctor.test.ts', 'writes nothing that a terminal obeys'],
    ['test/cli/words.test.ts', 'does nothing to the terminal, whatever is in it'],
    ['test/vscode/log-line.test.ts', 'holds nothing that a terminal obeys'],
    ['test/vscode/agent-view.test.ts', 'has the words of a server as words of a server'],
  ],
  '§6 nobody behind a proxy passes for this machine': [
    ['test/server/adoption.test.ts', 'is refused to who comes by HTTP/1.0'],
    ['test/server/adoption.test.ts', 'is refused to who is neither on this machine nor authorized'],
  ],
  '§7 a server does not choose where its client goes to sign in': [
    ['test/security/signing-in.test.ts', 'is not asked as resource_metadata'],
    ['test/security/signing-in.test.ts', 'is not asked as authorization server'],
    ['test/security/signing-in.test.ts', 'it(`is not opened: '],
    ['test/security/signing-in.test.ts', '(RFC 8414, 3.3)'],
    ['test/security/signing-in.test.ts', '(RFC 9207)'],
  ],
  'control: rebinding in every spelling': [
    ['test/security/front-door.test.ts', 'lets in no name that was pointed here, in whatever spelling'],
    ['test/server/guard.test.ts', 'stops a page that points its own name at this machine, on the wire'],
  ],
  'control: Origins': [
    ['test/security/front-door.test.ts', 'lets in no page of another place, with a good Host too'],
    ['test/gateway/gateway.test.ts', 'lets no page read its answers: it sends no header of CORS'],
  ],
  'control: variants of the token': [
    ['test/security/front-door.test.ts', 'is looked for in its header alone, whole and as it is'],
    ['test/gateway/gateway.test.ts', 'it(`answers 401 to '],
  ],
  'control: paths': [
    ['test/gateway/gateway.test.ts', 'answers 404 in words to a path that is no server of it'],
    ['test/security/front-door.test.ts', 'goes nowhere for anybody'],
    ['test/gateway/abuse.test.ts', 'a path that climbs'],
  ],
  'control: smuggling': [
    ['test/security/front-door.test.ts', 'takes no second request out of the body of one with'],
    ['test/gateway/abuse.test.ts', 'a length and chunks, by which requests are smuggled'],
  ],
  'control: sessions across servers and tokens': [
    ['test/security/sessions.test.ts', 'is good with the token that it was opened with, and with no other'],
    ['test/gateway/restart.test.ts', 'does not take a session with one of its servers for one with another'],
    ['test/gateway/restart.test.ts', 'does not know the sessions of a gateway with another key'],
    [
      'test/server/session-id.test.ts',
      'is good for the principal that it was issued to, and for nobody else',
    ],
  ],
  'control: bodies of a gigabyte': [
    ['test/security/front-door.test.ts', 'takes no body of a gigabyte, with a length and without'],
    ['test/gateway/gateway.test.ts', 'answers 401 without reading a large body of whoever has no token'],
  ],
  'control: deaf and slow clients': [
    ['test/gateway/streams.test.ts', 'are broken off for a client that does not read'],
    ['test/gateway/abuse.test.ts', 'a client that asks without end on one connection'],
    ['test/gateway/abuse.test.ts', 'heads that come a byte at a time, from many clients at once'],
    ['test/gateway/abuse.test.ts', 'it is cut off in its time'],
  ],
};

describe('the attacks of issue 14', () => {
  const texts = new Map<string, string>();
  const textOf = (file: string) => {
    const text = texts.get(file) ?? readFileSync(join(root, file), 'utf8');
    texts.set(file, text);
    return text;
  };

  for (const [attack, held] of Object.entries(attacks)) {
    it(`${attack}: held by ${held.length} ${held.length === 1 ? 'test' : 'tests'}`, () => {
      for (const [file, name] of held) assert.ok(textOf(file).includes(name), `${file}: ${name}`);
    });
  }

  it('are answered for in SECURITY.md, which names no test that is not there', () => {
    const page = readFileSync(join(root, 'SECURITY.md'), 'utf8');
    const named = [...page.matchAll(/`(test\/[\w./-]+)`/g)].map(([, file = '']) => file);
    assert.ok(named.length > 10);
    for (const file of named) assert.ok(existsSync(join(root, file)), file);
  });
});
