import assert from 'node:assert/strict';
import type { SupervisedServer } from '../../../harness/supervised-server.ts';
import { until } from '../../../harness/until.ts';
import type { PlayedReply } from '../../../scripts/replay/played-replies.ts';
import { Player } from '../../../scripts/replay/player.ts';
import type { Act, Screenplay } from '../../../scripts/replay/screenplay.ts';
import type { ResilientTransport } from '../../../src/client/index.ts';
import type { JournalEntry } from '../../../src/client/observe/journal.ts';
import { type Connected, connected } from '../../support/connected.ts';
import { codeOf } from '../../support/failure.ts';
import { HeldClock } from '../../support/held-clock.ts';
import { ledgerProcess } from '../../support/ledger-process.ts';
import { refusal, rpcError } from '../../support/scripted/reply.ts';
import { ScriptedServer, type ScriptedServerOptions } from '../../support/scripted-server.ts';
import { textOf } from '../../support/sdk-client.ts';
import { exported, kindsOf, replayed, screenplayIn } from './recorded.ts';

/** What happens to the server; in a replay it happens by itself. */
interface Doings {
  readonly kill: () => Promise<void>;
  readonly start: () => Promise<void>;
  readonly working: (entry: string) => Promise<void>;
}

const byItself: Doings = { kill: async () => {}, start: async () => {}, working: async () => {} };

/** A client's day: calls, a kill while nobody calls, a restart, a kill in the middle of a call, another restart. */
async function day(url: string, { kill, start, working }: Doings): Promise<readonly JournalEntry[]> {
  await using scenario = await connected(url, { environment: { random: () => 0.5 } });
  await scenario.fact('streamOpened');
  await scenario.client.listTools();
  for (const entry of ['a', 'b', 'c']) await call(scenario, 'append', entry);
  await kill();
  await scenario.fact('serverUnavailable');
  const late = call(scenario, 'append', 'd');
  await scenario.fact('attemptFailed', 2);
  await start();
  await late;
  await scenario.fact('streamOpened', 2);
  // By then the lists have been compared, too, which the kill would otherwise meet now and then.
  await scenario.client.listTools();
  const slow = call(scenario, 'slow_append', 'e');
  await working('e');
  await kill();
  await start();
  assert.equal(await slow, 'OUTCOME_UNKNOWN');
  await scenario.fact('streamOpened', 3);
  assert.notEqual(await call(scenario, 'append', 'f'), 'OUTCOME_UNKNOWN');
  return [...scenario.transport.journal.entries];
}

function call({ client }: Connected, name: string, entry: string): Promise<string> {
  return client
    .callTool({ name, arguments: { entry, ...(name === 'slow_append' && { afterMs: 60_000 }) } })
    .then(textOf, codeOf);
}

describe('a recording of a real server that was killed', () => {
  for (const dialect of ['404-json', '400-json'] as const) {
    it(`takes a connection through the same states when it is replayed, in the dialect ${dialect}`, async () => {
      await using ledger = await ledgerProcess(dialect);
      const { server } = ledger;
      const recorded = await day(server.url, {
        kill: () => server.kill(),
        start: () => server.start(),
        working: (entry) => lineOf(server, `appended ${entry}`),
      });
      await server.kill();
      const recording = exported(recorded);
      await using replay = await replayed(recording, { speed: 3 });
      const again = await day(replay.url, byItself);
      assert.deepEqual(kindsOf(again), kindsOf(recorded));
      const lossesIn = (entries: readonly JournalEntry[]) =>
        entries.flatMap((entry) => (entry.kind === 'sessionLost' ? [entry.evidence] : []));
      assert.deepEqual(lossesIn(again), lossesIn(recorded));
    });
  }
});

describe('a recording of a server that misbehaves', () => {
  /** A stateful server, a call, the fault, and two calls at once after it. */
  const faults: Readonly<Record<string, (server: ScriptedServer) => void>> = {
    'refuses a session by 404 without a word': (server) => server.forgetSessions('404-empty'),
    'refuses a session by 400': (server) => server.forgetSessions('400-json'),
    'refuses a session by 401': (server) => server.forgetSessions('401-text'),
    'refuses a session with success on the outside': (server) => server.forgetSessions('200-error'),
    'is busy for one call': (server) => void server.answerNext({ tool: 'count' }, { status: 503 }),
    'fails at one call': (server) =>
      void server.answerNext({ tool: 'count' }, refusal(500, -32603, 'no database')),
    'answers one call with an error': (server) =>
      void server.answerNext({ tool: 'count' }, rpcError(-32602, 'no')),
    'breaks the connection of one call': (server) =>
      void server.answerNext({ tool: 'count' }, 'reset-after-run'),
    'breaks the connection of one call that may be repeated': (server) =>
      void server.answerNext({ tool: 'peek' }, 'reset-after-run'),
    'cuts the stream of one call': (server) => void server.answerNext({ tool: 'count' }, 'end-stream'),
    'cuts a stream that can be resumed': (server) =>
      void server.answerNext({ tool: 'count' }, 'cut-stream-after-event-id'),
  };
  for (const [what, misbehave] of Object.entries(faults)) {
    it(`is replayed by one that ${what}`, async () => {
      const [recorded, recording] = await recordedOf({}, misbehave);
      await using replay = await replayed(recording);
      assert.deepEqual(sequenceOf(await calls(replay.url)), sequenceOf(recorded));
    });
  }

  it('is replayed by one that has no stream of its own', async () => {
    await using server = await ScriptedServer.start();
    server.answerAlways({ method: 'GET' }, { status: 405 });
    const recorded = await calls(server.url, () => {}, 'streamNotOffered');
    await using replay = await replayed(exported(recorded));
    assert.deepEqual(kindsOf(await calls(replay.url, () => {}, 'streamNotOffered')), kindsOf(recorded));
  });

  it('is replayed by one that has no sessions', async () => {
    const [recorded, recording] = await recordedOf({ sessionIds: false }, () => {});
    await using replay = await replayed(recording);
    const again = await calls(replay.url);
    assert.deepEqual(sequenceOf(again), sequenceOf(recorded));
    assert.equal(again.find((entry) => entry.kind === 'sessionOpened')?.session, undefined);
  });

  it('is replayed by one that refuses what it has just issued', async () => {
    const visit = async (url: string) => {
      const entries: JournalEntry[] = [];
      const seen = ({ journal }: ResilientTransport) => journal.subscribe((entry) => entries.push(entry));
      await using scenario = await connected(url, { seen });
      await scenario.call('count', 'a');
      await scenario.call('count', 'b');
      return entries;
    };
    await using server = await ScriptedServer.start();
    server.onRequest(({ key }) => key === 'b' && server.refuseEverySession('404-json'));
    const recorded = await visit(server.url);
    assert.ok(recorded.some((entry) => entry.kind === 'requestFailed' && entry.code === 'SESSION_NOT_KEPT'));
    await using replay = await replayed(exported(recorded));
    const codes = (entries: readonly JournalEntry[]) =>
      entries.flatMap((entry) => ('code' in entry ? [entry.code] : []));
    const again = await visit(replay.url);
    assert.deepEqual([codes(again), kindsOf(again)], [codes(recorded), kindsOf(recorded)]);
  });

  it('comes by the clock, whatever is called, if that is asked for', async () => {
    const [, recording] = await recordedOf({}, (server) => server.forgetSessions('410-empty'));
    const held = new HeldClock();
    const play = screenplayIn(recording);
    const stage = { goAway: () => {}, endStreams: () => {} };
    const player = new Player(play, { clock: held, newId: () => 'the id', stage, pace: 'time' });
    const message = { id: 1, method: 'initialize' };
    player.reply({ verb: 'POST', message });
    const ping = { verb: 'POST', sessionId: 'the id', message: { id: 2, method: 'ping' } } as const;
    const statusOf = (reply: PlayedReply) => reply.kind === 'answer' && reply.status;
    assert.equal(statusOf(player.reply(ping)), 200);
    await held.advance((play.acts.at(-1)?.atMs ?? 0) + 1);
    assert.equal(statusOf(player.reply(ping)), 410);
    player.stop();
    assert.equal(held.pending, 0);
  });

  for (const speed of [1, 3]) {
    it(`is away only after the last answer before it was given, at a speed of ${speed}`, async () => {
      const open = { generation: 1, stateless: false, protocolVersion: '2025-11-25' } as const;
      const acts: readonly Act[] = [
        { ...open, kind: 'open', atMs: 0, latencyMs: 0, stream: 'open', end: 200 },
        { kind: 'answer', atMs: 50, method: 'ping', latencyMs: 50 },
        { kind: 'away', atMs: 50, forMs: 1, holding: [] },
      ];
      const held = new HeldClock();
      const order: string[] = [];
      const stage = { goAway: () => order.push('away'), endStreams: () => {} };
      const play: Screenplay = { server: { name: 'a', version: '1' }, tools: [], methods: [], acts };
      const player = new Player(play, { clock: held, newId: () => 'the id', stage, speed });
      player.reply({ verb: 'POST', message: { id: 1, method: 'initialize' } });
      const ping = { id: 2, method: 'ping' };
      const reply = player.reply({ verb: 'POST', sessionId: 'the id', message: ping });
      assert.ok(reply.kind === 'answer' && reply.delayMs > 0);
      // As the server does, which sets its timer when it has been told what to answer; in whole milliseconds.
      held.after(Math.trunc(reply.delayMs), () => order.push('answered'));
      await held.advance(100);
      assert.deepEqual(order, ['answered', 'away']);
    });
  }

  it('goes on well when the recording is over', async () => {
    const [, recording] = await recordedOf({}, () => {});
    await using replay = await replayed(recording);
    await using scenario = await connected(replay.url);
    for (let count = 0; count < 20; count += 1)
      assert.equal(await scenario.call('count', 'x'), 'Replay of count');
    assert.match(await scenario.call('never-recorded', 'x'), /Replay/);
  });
});

/** What a connection to a scripted server went through, and that as a recording. */
async function recordedOf(
  options: ScriptedServerOptions,
  misbehave: (server: ScriptedServer) => void,
): Promise<[entries: readonly JournalEntry[], recording: string]> {
  await using server = await ScriptedServer.start(options);
  const entries = await calls(server.url, () => misbehave(server));
  return [entries, exported(entries)];
}

/** One call, then perhaps something, and then each of the others. */
async function calls(
  url: string,
  between: () => void = () => {},
  stream: 'streamOpened' | 'streamNotOffered' = 'streamOpened',
): Promise<readonly JournalEntry[]> {
  await using scenario = await connected(url, { environment: { random: () => 0.5 } });
  await scenario.fact(stream);
  await scenario.client.listTools();
  await scenario.call('peek', 'a');
  between();
  for (const [tool, key] of [
    ['count', 'b'],
    ['peek', 'c'],
    ['count', 'd'],
  ] as const)
    await scenario.call(tool, key);
  return [...scenario.transport.journal.entries];
}

/** The kinds of the facts. When the server's stream opens and ends beside the calls is a matter of chance. */
function sequenceOf(entries: readonly JournalEntry[]): string[] {
  return kindsOf(entries.filter(({ kind }) => !kind.startsWith('stream')));
}

async function lineOf(server: SupervisedServer, text: string): Promise<void> {
  if (server.output.some((line) => line.includes(text))) return;
  await until<string>(
    (listener) => server.onLine(listener),
    (line) => line.includes(text),
    { what: text },
  );
}
