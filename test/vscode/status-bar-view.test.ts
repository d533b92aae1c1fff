import assert from 'node:assert/strict';
import fc from 'fast-check';
import { marked } from 'marked';
import type { NumberedFact } from '../../src/hub/facts.ts';
import type { HubSnapshot } from '../../src/hub/snapshot.ts';
import { COMMANDS } from '../../src/vscode/commands/command-ids.ts';
import { latestNews } from '../../src/vscode/text/fact-label.ts';
import { renderStatusBar } from '../../src/vscode/views/status-bar/status-bar-view.ts';
import { MAX_ROWS, TOOLTIP_COMMANDS } from '../../src/vscode/views/status-bar/status-tooltip.ts';
import { EXAMPLES, numbered } from './facts.ts';
import { connection, fleet, NOW, onDemand, paused, server, unopened } from './snapshots.ts';

const render = (snapshot: HubSnapshot) => renderStatusBar(snapshot, { now: NOW });

/** The cells of the tooltip's rows, without the header, the link of the name, and the last, which is an act. */
function rows(snapshot: HubSnapshot): string[][] {
  const table = render(snapshot).tooltipMarkdown.split('\n\n')[1] ?? '';
  return table
    .split('\n')
    .slice(2)
    .map((line) => line.slice(2, -2).replaceAll('\u00a0', ' ').split(' | '))
    .map(([name = '', ...others]) => [name.replace(/^\[(.*)\]\(.*\)$/, '$1'), ...others.slice(0, -1)]);
}

/** Where the rendered tooltip's links lead, and its images, as the editor's markdown library reads it. */
function references(markdown: string): string[] {
  const html = marked.parse(markdown, { async: false, gfm: true });
  return [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map((match) => match[1] ?? '');
}

/** The commands that they run, without what these are about. */
const commandsIn = (markdown: string): string[] =>
  references(markdown).map((link) => link.replace(/\?.*/, ''));

/** What a command is called with by its link. */
const argumentsIn = (link: string): unknown => JSON.parse(decodeURIComponent(link.replace(/^[^?]*\??/, '')));

const ours = [COMMANDS.showTimeline, COMMANDS.resetSession, COMMANDS.showTimeline, COMMANDS.showLog].map(
  (command) => `command:${command}`,
);

describe('the status bar', () => {
  it('is hidden when no servers are configured', () => {
    const view = render(fleet());
    assert.equal(view.visible, false);
    assert.equal(view.validForMs, undefined);
  });

  it('shows a plug and the count when every server is connected', () => {
    const view = render(fleet(server('a'), server('b'), server('c')));
    assert.equal(view.visible, true);
    assert.equal(view.text, '$(plug) MCP 3/3');
    assert.equal(view.severity, 'none');
    assert.equal(view.accessibleLabel, 'MCP sessions: 3 of 3 servers connected');
  });

  it('says that an agent was refused for want of a token, and never that all is well then', () => {
    const refused = [{ client: 'copilot-cli', requests: 3, at: NOW }];
    const snapshot = fleet({ ...server('a'), refused });
    const view = render(snapshot);
    assert.equal(view.text, '$(warning) MCP · agent refused');
    assert.equal(
      view.accessibleLabel,
      'MCP sessions: 1 of 1 server connected. a: agent copilot-cli was refused: no token',
    );
    assert.equal(rows(snapshot)[0]?.[1], '$(warning) agent refused');
    assert.match(view.tooltipMarkdown, /\*\*a\*\*: agent copilot&#45;cli was refused&#58; no token/);
    const others = fleet({ ...onDemand('b'), refused: [...refused, { ...refused[0], client: '' } as never] });
    assert.equal(render(others).text, '$(warning) MCP · agent refused');
    assert.equal(
      render(others).accessibleLabel,
      'MCP sessions: b: 2 agents were refused: no token. 1 server starts when used',
    );
    const down = fleet({ ...server('a', { status: 'down' }), refused });
    assert.equal(render(down).text, '$(warning) MCP 0/1 · agent refused');
  });

  for (const [status, words] of [
    ['idle', 'starting'],
    ['connecting', 'connecting'],
    ['unreachable', 'not answering'],
    ['recovering', 'opening a new session'],
  ] as const) {
    it(`spins quietly while a server is ${status}`, () => {
      const snapshot = fleet(server('a'), server('b', { status }), server('c'));
      const view = render(snapshot);
      assert.equal(view.text, '$(sync~spin) MCP 2/3');
      assert.equal(view.severity, 'none');
      assert.equal(rows(snapshot)[1]?.[1], `$(sync~spin) ${words}`);
      assert.equal(view.accessibleLabel, `MCP sessions: 2 of 3 servers connected. b: ${words}`);
    });
  }

  it('judges a server by the worst of its connections, those of clients included', () => {
    const lost = connection({ status: 'unreachable', trouble: 'refused' });
    const shared = { ...server('a', { recoveries: 1 }), clients: [{ client: 1, connection: lost }] };
    const view = render(fleet(shared, server('b')));
    assert.equal(view.text, '$(sync~spin) MCP 1/2');
    assert.match(view.accessibleLabel, /1 of 2 servers connected\. a: not answering$/);
    assert.match(view.tooltipMarkdown, /\*\*a\*\*: refused\n/);
    assert.deepEqual(rows(fleet(shared)), [['a', '$(sync~spin) not answering', '5 min', '1', '1', '–']]);
  });

  it('counts no server that waits for its first client', () => {
    const view = render(fleet(server('a'), onDemand('local')));
    assert.equal(view.text, '$(plug) MCP 1/1');
    assert.equal(view.accessibleLabel, 'MCP sessions: 1 of 1 server connected. 1 server starts when used');
    assert.deepEqual(rows(fleet(onDemand('local')))[0]?.slice(0, 3), [
      'local',
      '$(circle-outline) starts when used',
      '–',
    ]);
    assert.equal(render(fleet(onDemand('local', connection()))).text, '$(plug) MCP 1/1');
    const only = render(fleet(onDemand('local')));
    assert.deepEqual([only.visible, only.text, only.severity], [true, '$(plug) MCP', 'none']);
    assert.equal(only.accessibleLabel, 'MCP sessions: 1 server starts when used');
    const two = render(fleet(onDemand('a'), onDemand('b')));
    assert.equal(two.accessibleLabel, 'MCP sessions: 2 servers start when used');
  });

  it('warns, with its background, when a server is down, even if another one heals', () => {
    const view = render(
      fleet(server('a'), server('b', { status: 'down' }), server('c', { status: 'recovering' })),
    );
    assert.equal(view.text, '$(warning) MCP 1/3');
    assert.equal(view.severity, 'warning');
    assert.match(view.accessibleLabel, /1 of 3 servers connected\. b: down\. c: opening a new session$/);
  });

  it('warns without the background when a server is closed but none is down', () => {
    const view = render(fleet(server('a', { status: 'closed' })));
    assert.equal(view.text, '$(warning) MCP 0/1');
    assert.equal(view.severity, 'none');
  });

  it('says how long it is until the next attempt, unless that is at once or a server is down', () => {
    const waiting = server('a', { status: 'unreachable', nextAttemptAt: NOW + 3100 });
    const soon = server('b', { status: 'recovering', nextAttemptAt: NOW + 900 });
    assert.equal(render(fleet(waiting, soon, server('c'))).text, '$(sync~spin) MCP 1/3 · 4 s');
    assert.equal(render(fleet(soon, server('c'))).text, '$(sync~spin) MCP 1/2');
    const down = server('d', { status: 'down', nextAttemptAt: NOW + 20_000 });
    assert.equal(render(fleet(waiting, down)).text, '$(warning) MCP 0/2');
  });

  it('says that servers have no sessions when none has', () => {
    const stateless = server('a', { stateless: true });
    assert.equal(render(fleet(stateless)).text, '$(plug) MCP 1/1 · stateless');
    assert.equal(render(fleet(stateless, server('b'))).text, '$(plug) MCP 2/2');
  });

  it('counts no server that is paused, and says how many are', () => {
    const view = render(fleet(server('a'), paused('b')));
    assert.equal(view.text, '$(plug) MCP 1/1 · 1 paused');
    assert.equal(view.severity, 'none');
    assert.equal(view.accessibleLabel, 'MCP sessions: 1 of 1 server connected. 1 server is paused');
    const all = render(fleet(paused('a'), paused('b')));
    assert.equal(all.text, '$(debug-pause) MCP paused');
    assert.equal(all.accessibleLabel, 'MCP sessions: 2 servers are paused');
    assert.deepEqual(rows(fleet(paused('b')))[0]?.slice(0, 3), ['b', '$(debug-pause) paused', '–']);
  });

  it('tells a server that waits for a sign-in from one that is down', () => {
    const waiting = server('a', { status: 'down', failure: 'UNAUTHORIZED' });
    const view = render(fleet(waiting, server('b')));
    assert.equal(view.text, '$(key) MCP 1/2');
    assert.equal(view.severity, 'warning');
    assert.match(view.accessibleLabel, /a: sign-in needed$/);
    assert.equal(rows(fleet(waiting))[0]?.[1], '$(key) sign-in needed');
    const both = render(fleet(waiting, server('c', { status: 'down', failure: 'SERVER_UNAVAILABLE' })));
    assert.equal(both.text, '$(warning) MCP 0/2');
  });

  it('speaks of one server in the singular', () => {
    assert.equal(render(fleet(server('a'))).accessibleLabel, 'MCP sessions: 1 of 1 server connected');
  });

  it('names three troubled servers to the screen reader and counts the others', () => {
    const down = (count: number) =>
      fleet(...Array.from({ length: count }, (_, i) => server(`s${i}`, { status: 'down' })));
    assert.match(render(down(3)).accessibleLabel, /s2: down$/);
    assert.match(render(down(4)).accessibleLabel, /s2: down\. and 1 more server$/);
    assert.match(render(down(5)).accessibleLabel, /s2: down\. and 2 more servers$/);
  });
});

describe('the tooltip of the status bar', () => {
  it('has a row per server: state, session age, generation, recoveries and latencies', () => {
    const latency = { count: 9, p50Ms: 12.3, p95Ms: 1840, p99Ms: 2000, maxMs: 2100 };
    const snapshot = fleet(
      { ...server('a'), latency },
      server('b', { generation: 3, recoveries: 2, sessionOpenedAt: NOW - 30_000 }),
    );
    assert.deepEqual(rows(snapshot), [
      ['a', '$(pass) connected', '5 min', '1', '0', '12 ms / 1.8 s'],
      ['b', '$(pass) connected', 'under 1 min', '3', '2', '–'],
    ]);
  });

  it('tells below the table what happened last, and a recovery only once', () => {
    const facts = numbered([EXAMPLES.sessionOpened, EXAMPLES.toolsListed, EXAMPLES.requestAnswered]);
    const lastRecovery = { at: NOW - 60_000, durationMs: 42, cause: 'gone' };
    const snapshot = fleet(server('a', { lastRecovery }), server('b'));
    const told = (news: readonly NumberedFact[]) =>
      renderStatusBar(snapshot, { now: NOW, news: latestNews(news) }).tooltipMarkdown;
    assert.match(told(facts), /\n\*\*a\*\*: 12 tools listed; last recovery 1 min ago, in 42 ms \(gone\)\n/);
    assert.match(
      told(numbered([EXAMPLES.sessionReplaced])),
      /\n\*\*a\*\*: New session after 1&#46;2 s&#58; gone\n/,
    );
    assert.doesNotMatch(told(facts), /\*\*b\*\*/);
  });

  it('tells the last recovery below: when, how long and why', () => {
    const lastRecovery = { at: NOW - 60_000, durationMs: 42, cause: '404 to tools call' };
    const { tooltipMarkdown } = render(fleet(server('a'), server('b', { lastRecovery })));
    assert.match(tooltipMarkdown, /\n\*\*b\*\*: last recovery 1 min ago, in 42 ms \(404 to tools call\)\n/);
    assert.doesNotMatch(tooltipMarkdown, /\*\*a\*\*/);
  });

  it('tells trouble and last recovery of one server in one line', () => {
    const lastRecovery = { at: NOW, durationMs: 1300, cause: 'why' };
    const { tooltipMarkdown } = render(
      fleet(server('a', { status: 'down', trouble: 'refused', lastRecovery })),
    );
    assert.match(tooltipMarkdown, /\*\*a\*\*: refused; last recovery under 1 min ago, in 1\.3 s \(why\)\n/);
  });

  it('has dashes where nothing is known yet', () => {
    const unknown = { ...server('a'), connection: unopened() };
    assert.deepEqual(rows(fleet(unknown)), [['a', '$(sync~spin) connecting', '–', '–', '0', '–']]);
  });

  it('says stateless instead of an age', () => {
    assert.equal(rows(fleet(server('a', { stateless: true })))[0]?.[2], 'stateless');
  });

  for (const [ms, words] of [
    [0, 'under 1 min'],
    [59_999, 'under 1 min'],
    [60_000, '1 min'],
    [3_599_999, '59 min'],
    [3_600_000, '1 h 0 min'],
    [90_000_000, '1 d 1 h'],
  ] as const) {
    it(`shows a session of ${ms} ms as "${words}"`, () => {
      assert.equal(rows(fleet(server('a', { sessionOpenedAt: NOW - ms })))[0]?.[2], words);
    });
  }

  for (const [overrides, words, spoken] of [
    [{ status: 'unreachable', nextAttemptAt: NOW + 3100 }, 'retrying in 4 s', 'retrying in 4 seconds'],
    [{ status: 'recovering', nextAttemptAt: NOW + 1000 }, 'retrying in 1 s', 'retrying in 1 second'],
    [{ status: 'down', nextAttemptAt: NOW + 26_100 }, 'retrying in 30 s', 'retrying in 30 seconds'],
    [{ status: 'down', nextAttemptAt: NOW + 60_000 }, 'retrying in 60 s', 'retrying in 1 minute'],
    [{ status: 'down', nextAttemptAt: NOW + 119_000 }, 'retrying in 2 min', 'retrying in 2 minutes'],
    [{ status: 'down', nextAttemptAt: NOW }, 'retrying now', 'retrying now'],
    [{ status: 'recovering', attempt: 2 }, 'retrying now', 'retrying now'],
  ] as const) {
    it(`says what is wrong and "${words}"`, () => {
      const view = render(fleet(server('a', { trouble: 'connection refused', ...overrides })));
      assert.match(view.tooltipMarkdown, new RegExp(`\\n\\*\\*a\\*\\*: connection refused – ${words}\\n`));
      assert.ok(view.accessibleLabel.endsWith(`, ${spoken}`), view.accessibleLabel);
    });
  }

  it('says nothing of trouble for a server that is connected', () => {
    assert.doesNotMatch(render(fleet(server('a', { trouble: 'refused' }))).tooltipMarkdown, /refused/);
  });

  it('links to the commands of its servers, and to nothing else', () => {
    const { tooltipMarkdown } = render(fleet(server('a')));
    assert.deepEqual(commandsIn(tooltipMarkdown), ours);
    const [timeline = '', reset = ''] = references(tooltipMarkdown);
    assert.deepEqual(argumentsIn(timeline), [{ server: 'a' }]);
    assert.deepEqual(argumentsIn(reset), [{ server: 'a' }]);
    const [, resume = ''] = references(render(fleet(paused('p'))).tooltipMarkdown);
    assert.ok(resume.startsWith(`command:${COMMANDS.resumeServer}?`), resume);
    for (const each of [...ours, resume.replace(/\?.*/, '')]) {
      assert.ok(
        TOOLTIP_COMMANDS.some((command) => each === `command:${command}`),
        each,
      );
    }
  });

  it('lists a bounded number of servers and counts the others', () => {
    const many = (count: number) => fleet(...Array.from({ length: count }, (_, i) => server(`s${i}`)));
    assert.equal(rows(many(MAX_ROWS + 2)).length, MAX_ROWS);
    assert.match(render(many(MAX_ROWS + 2)).tooltipMarkdown, /and 2 more servers/);
    assert.match(render(many(MAX_ROWS + 1)).tooltipMarkdown, /and 1 more server\n/);
    assert.doesNotMatch(render(many(MAX_ROWS)).tooltipMarkdown, /more server/);
  });

  for (const hostile of [
    '](command:workbench.action.quit)',
    '[click](https://evil.example)',
    '![](https://evil.example/pixel.png)',
    '<a href="command:x">x</a><img src=x>',
    'a | b || c',
    '`code` **bold** _it_ # head',
    '$(pass) connected $(sync~spin)',
    'line one\n\n| a | b |\r\n[x]: command:y',
    'https://evil.example www.evil.example me@evil.example',
    '&#91;x&#93;&#40;command:y&#41; &lt;b&gt;',
    '\u202egnihtyreve\u0000\u200b',
    '\\](command:x) \\| \\`',
  ]) {
    it(`shows ${JSON.stringify(hostile)} as text and nothing more`, () => {
      const snapshot = fleet(
        server(hostile, {
          status: 'unreachable',
          trouble: hostile,
          lastRecovery: { at: NOW, durationMs: 1, cause: hostile },
        }),
      );
      const { tooltipMarkdown, text, accessibleLabel } = render(snapshot);
      assert.deepEqual(commandsIn(tooltipMarkdown), ours);
      assert.deepEqual(argumentsIn(references(tooltipMarkdown)[0] ?? ''), [{ server: hostile }]);
      assert.equal(rows(snapshot)[0]?.length, 6);
      assert.equal(text, '$(sync~spin) MCP 0/1');
      assert.doesNotMatch(accessibleLabel, /\$\(|[\p{Cc}\u202e]/u);
      assert.deepEqual(
        [...tooltipMarkdown.matchAll(/\$\([^)]*\)/g)].map((match) => match[0]),
        ['$(sync~spin)', '$(debug-restart)'],
      );
    });
  }

  it('lets no text of a server become markup, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }), (foreign) => {
        const { tooltipMarkdown } = render(fleet(server(foreign, { status: 'down', trouble: foreign })));
        const innocent = render(fleet(server('a', { status: 'down', trouble: 'a' }))).tooltipMarkdown;
        const tags = (markdown: string) =>
          marked
            .parse(markdown, { async: false })
            .replace(/(command:\w+\.\w+)\?[^"]*/g, '$1')
            .replace(/[^<>]*(<[^>]*>)[^<]*/g, '$1');
        assert.equal(tags(tooltipMarkdown), tags(innocent));
      }),
    );
  });

  it('cuts a long name in the table and shows it whole below', () => {
    const name = `${'n'.repeat(40)} end`;
    const snapshot = fleet(server(name, { status: 'down', trouble: 'refused' }));
    assert.equal(rows(snapshot)[0]?.[0], `${'n'.repeat(27)}&#8230;`);
    assert.ok(render(snapshot).tooltipMarkdown.includes(`**${name}**: refused`));
  });

  it('shows a name as it was given, however much it looks like a token', () => {
    const name = 'staging-2-of-the-long-named-team';
    assert.ok(render(fleet(server(name, { status: 'down' }))).accessibleLabel.includes(name));
  });

  it('cuts long text and shows no whole session id', () => {
    const trouble = `session 550e8400-e29b-41d4-a716-446655440000 not found ${'x '.repeat(300)}`;
    const { tooltipMarkdown } = render(fleet(server('a', { status: 'down', trouble })));
    assert.match(tooltipMarkdown, /session 550e8400&#8230; not found/);
    assert.ok(tooltipMarkdown.length < 1400, String(tooltipMarkdown.length));
  });
});

describe('how long a rendering stays true', () => {
  it('is for ever when no age is shown', () => {
    assert.equal(render(fleet(server('a', { stateless: true }))).validForMs, undefined);
    assert.equal(render(fleet({ ...server('a'), connection: unopened() })).validForMs, undefined);
  });

  it('is until the next full minute of an age', () => {
    assert.equal(render(fleet(server('a', { sessionOpenedAt: NOW - 61_000 }))).validForMs, 59_000);
    assert.equal(render(fleet(server('a', { sessionOpenedAt: NOW }))).validForMs, 60_000);
  });

  it('is until the next step of a countdown: five seconds, then single ones', () => {
    const at = (ms: number) =>
      render(fleet(server('a', { status: 'down', nextAttemptAt: NOW + ms }))).validForMs;
    assert.equal(at(3100), 100);
    assert.equal(at(3000), 1000);
    assert.equal(at(26_100), 1100);
    assert.equal(at(25_000), 5000);
  });

  it('ends exactly when the words change', () => {
    fc.assert(
      fc.property(fc.nat(200_000), fc.nat(70_000), (age, due) => {
        const snapshot = fleet(
          server('a', { status: 'down', sessionOpenedAt: NOW - age, nextAttemptAt: NOW + due + 1 }),
        );
        const { tooltipMarkdown, validForMs = 0 } = render(snapshot);
        assert.equal(
          renderStatusBar(snapshot, { now: NOW + validForMs - 1 }).tooltipMarkdown,
          tooltipMarkdown,
        );
        assert.ok(validForMs > 0);
      }),
    );
  });
});
