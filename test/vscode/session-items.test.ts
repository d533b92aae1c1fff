import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { NumberedFact } from '../../src/hub/facts.ts';
import type { ServerSnapshot } from '../../src/hub/snapshot.ts';
import {
  MAX_FACTS,
  MAX_GENERATIONS,
  renderSessions,
  type SessionsItem,
} from '../../src/vscode/views/sessions/session-items.ts';
import { EXAMPLES, numbered } from './facts.ts';
import { connection, fleet, NOW, onDemand, server, unopened } from './snapshots.ts';

const { sessionOpened, sessionLost, sessionReplaced, requestAnswered, serverWrote } = EXAMPLES;
const first = { ...sessionOpened, generation: 1 };
const recovered = connection({ generation: 2, recoveries: 1 });
const recovery = numbered([first, sessionLost, sessionOpened, sessionReplaced]);

/** The rows as a person reads them: two spaces for each level, then label and description. */
function lines(items: readonly SessionsItem[], indent = ''): string[] {
  return items.flatMap(({ label, description, children }) => [
    `${indent}${label}${description && ` | ${description}`}`,
    ...lines(children, `${indent}  `),
  ]);
}

function rendered(servers: readonly ServerSnapshot[], events: readonly NumberedFact[] = []) {
  return renderSessions(fleet(...servers), events);
}

function all(items: readonly SessionsItem[]): SessionsItem[] {
  return items.flatMap((item) => [item, ...all(item.children)]);
}

describe('the view of sessions', () => {
  it('is empty without servers, so that its welcome is shown', () => {
    assert.deepEqual(rendered([]), { items: [], badge: undefined, validForMs: undefined });
  });

  it('says at a server that an agent was refused there for want of a token', () => {
    const refused = [{ client: '', requests: 1, at: NOW }];
    const [item] = rendered([{ ...server('a'), refused }]).items;
    assert.equal(item?.description, 'connected · generation 1 · 5 min · an agent was refused: no token');
    assert.equal(item?.icon.id, 'warning');
    assert.match(item?.tooltipMarkdown ?? '', /an agent was refused&#58; no token/);
  });

  it('shows of a server its state, its session, what it offers and what happened', () => {
    const { items } = rendered([{ ...server('a'), connection: recovered }], recovery);
    assert.deepEqual(lines(items), [
      'a | connected · generation 2 · 5 min',
      '  Session | abcdefgh… · protocol 2025-11-25 · 1 recovery',
      '    Generation 1 | 11:59:57, for 1.0 s · gone',
      '  12 tools',
      '  Latest events',
      '    12:00:00 | New session after 1.2 s: gone',
      '    11:59:59 | Session opened in 42 ms',
      '    11:59:58 | Session lost: 404 to tools/call: Session not found',
      '    11:59:57 | Session opened in 42 ms',
    ]);
  });

  it('counts resources and prompts where there are any', () => {
    const labelOf = (counts: object) =>
      all(rendered([{ ...server('a'), ...counts }]).items).find(({ kind }) => kind === 'offers')?.label;
    assert.equal(labelOf({ resources: 100, prompts: 1 }), '12 tools, 100 resources, 1 prompt');
    assert.equal(labelOf({ tools: 1, resources: 1, prompts: undefined }), '1 tool, 1 resource');
    assert.equal(labelOf({ tools: undefined }), undefined);
  });

  it('shows each client with its own state, and the server with the worst of them', () => {
    const down = connection({ status: 'down', trouble: 'connect ECONNREFUSED' });
    const { items } = rendered([{ ...onDemand('local', connection(), down), tools: undefined }]);
    assert.deepEqual(lines(items), [
      'local | down · connect ECONNREFUSED',
      '  Client 1 | abcdefgh… · connected · generation 1 · 5 min',
      '  Client 2 | abcdefgh… · down · connect ECONNREFUSED',
    ]);
  });

  it('tells the connection of the extension itself from those of clients', () => {
    const { items } = rendered([{ ...server('a'), clients: [{ client: 4, connection: connection() }] }]);
    const labels = all(items).filter(({ kind }) => kind === 'connection');
    assert.deepEqual(
      labels.map(({ label }) => label),
      ['Extension', 'Client 4'],
    );
  });

  it('tells the facts of clients with their number', () => {
    const facts = numbered([sessionLost], { server: 'a', client: 2 });
    const { items } = rendered([server('a')], facts);
    const fact = all(items).find(({ kind }) => kind === 'fact');
    assert.equal(fact?.description, 'Client 2: Session lost: 404 to tools/call: Session not found');
    assert.equal(fact?.seq, 1);
  });

  it('calls a local server that nobody uses neither starting nor in trouble', () => {
    const { items, badge } = rendered([{ ...onDemand('local'), tools: undefined }]);
    assert.deepEqual(lines(items), ['local | starts when used']);
    assert.equal(items[0]?.icon.id, 'circle-outline');
    assert.equal(badge, undefined);
  });

  it('says that a first session is still to come, and that a server has none at all', () => {
    assert.deepEqual(lines(rendered([{ ...server('a'), connection: unopened(), tools: 0 }]).items), [
      'a | connecting',
      '  Session | no session yet',
      '  0 tools',
    ]);
    const stateless = connection({ stateless: true, sessionLabel: undefined });
    assert.equal(
      rendered([{ ...server('a'), connection: stateless }]).items[0]?.description,
      'connected · stateless',
    );
  });

  it('has a badge for servers that are down, and for nothing else', () => {
    const down = { ...server('a', { status: 'down' }) };
    assert.deepEqual(rendered([down, server('b')]).badge, { value: 1, tooltip: '1 MCP server is down' });
    assert.deepEqual(rendered([down, down]).badge, { value: 2, tooltip: '2 MCP servers are down' });
    for (const status of ['ready', 'connecting', 'recovering', 'unreachable', 'closed'] as const) {
      assert.equal(rendered([server('a', { status })]).badge, undefined, status);
    }
  });

  it('lists what is rare, the latest first, and a bounded number of it', () => {
    const many = numbered(
      Array.from({ length: 50 }, () => [sessionLost, requestAnswered, serverWrote]).flat(),
    );
    const facts = all(rendered([server('a')], many).items).filter(({ kind }) => kind === 'fact');
    assert.equal(facts.length, MAX_FACTS);
    assert.ok(facts.every(({ description }) => description.startsWith('Session lost')));
    assert.deepEqual(
      facts.map(({ seq }) => seq),
      [148, 145, 142, 139, 136, 133, 130, 127],
    );
  });

  it('lists a bounded number of generations', () => {
    const openings = Array.from({ length: 40 }, (_, index) => ({ ...sessionOpened, generation: index + 1 }));
    const items = rendered(
      [{ ...server('a'), connection: connection({ generation: 40 }) }],
      numbered(openings),
    );
    const generations = all(items.items).filter(({ kind }) => kind === 'generation');
    assert.equal(generations.length, MAX_GENERATIONS);
    assert.equal(generations[0]?.label, 'Generation 39');
  });

  it('begins unfolded with few servers and folded with many', () => {
    const servers = ['a', 'b', 'c', 'd'].map((name) => server(name));
    assert.ok(renderSessions(fleet(...servers.slice(0, 3)), []).items.every(({ unfolded }) => unfolded));
    assert.ok(renderSessions(fleet(...servers), []).items.every(({ unfolded }) => !unfolded));
  });

  it('is valid until an age in it reads differently', () => {
    assert.equal(rendered([server('a')]).validForMs, 60_000);
    assert.equal(rendered([server('a', { sessionOpenedAt: NOW - 59_000 })]).validForMs, 1000);
    assert.equal(rendered([server('a', { sessionOpenedAt: undefined })]).validForMs, undefined);
  });

  it('has a spoken label without marks for each row', () => {
    const { items } = rendered([{ ...server('a'), connection: recovered }, onDemand('b')], recovery);
    for (const { accessibleLabel } of all(items)) assert.match(accessibleLabel, /^[^·|$]+$/);
  });

  it('names each row once, whatever servers are called', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 5 }), (names) => {
        const servers = names.map((name) => ({ ...onDemand(name, connection()), connection: recovered }));
        const events = names.flatMap((name, index) =>
          numbered([first, sessionLost, sessionOpened], { server: name }).map((fact) => ({
            ...fact,
            seq: fact.seq + 10 * index,
          })),
        );
        const ids = all(renderSessions(fleet(...servers), events).items).map(({ id }) => id);
        assert.equal(new Set(ids).size, ids.length);
      }),
    );
  });

  it('escapes what servers wrote: no link in a tooltip, no icon in a label', () => {
    const evil = '[click](command:evil) $(trash) <b>';
    const { items } = rendered([
      { ...server(evil, { status: 'down', trouble: evil }), target: 'http://h/<script>' },
    ]);
    const [item] = items;
    assert.doesNotMatch(item?.tooltipMarkdown ?? '', /\]\(|\$\(|<|>/);
    assert.doesNotMatch(`${item?.label}${item?.description}`, /\$\(/);
  });
});
