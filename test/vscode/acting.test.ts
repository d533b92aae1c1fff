import assert from 'node:assert/strict';
import type { CancellationToken } from 'vscode';
import { until } from '../../harness/until.ts';
import type { ServerSnapshot } from '../../src/hub/snapshot.ts';
import type { ResilientMcpApi } from '../../src/vscode/api.ts';
import { COMMANDS, type CommandId } from '../../src/vscode/commands/command-ids.ts';
import type { ScriptedServer } from '../support/scripted-server.ts';
import { reaches, windows } from './editor-double/windows.ts';

describe('what a person can do about sessions', () => {
  const window = windows();
  const { activate, aServer } = window;

  const every = (wanted: (server: ServerSnapshot) => boolean) => (all: readonly ServerSnapshot[]) =>
    all.length > 0 && all.every(wanted);

  /** The handshake is over too: before that a reset has nothing to replace. */
  const isReady = ({ connection, tools }: ServerSnapshot) =>
    connection.status === 'ready' && tools !== undefined;
  const run = async (command: CommandId, argument?: unknown) =>
    window.editor.commands.get(command)?.(argument);

  async function active(...names: string[]): Promise<ResilientMcpApi> {
    const urls = await Promise.all(
      names.map(async (name) => [name, { url: (await aServer()).url }] as const),
    );
    const api = await activate(Object.fromEntries(urls));
    await reaches(api, every(isReady));
    return api;
  }

  const texts = () => window.editor.notifications.map(({ text }) => text);

  describe('in the pick of the indicator', () => {
    it('resets the session of the server whose button is pressed', async () => {
      const api = await active('a', 'b');
      window.editor.pick = 'b';
      window.editor.pickButton = 'Reset Session';
      await run(COMMANDS.showSessions);
      const generations = api.snapshot().servers.map(({ connection }) => connection.generation);
      assert.deepEqual(generations, [1, 2]);
    });

    it('offers what can be done about the server that is chosen', async () => {
      const api = await active('a', 'b');
      window.editor.picks = ['a', 'Pause Server'];
      await run(COMMANDS.showSessions);
      assert.deepEqual(window.editor.picksOffered[1], [
        'Reset Session',
        'Pause Server',
        'Show Timeline',
        'Diagnose Server',
        'Simulate a Lost Session…',
        'Show Log',
      ]);
      assert.deepEqual(
        api.snapshot().servers.map(({ paused }) => paused),
        [true, false],
      );
    });

    it('resets all that are not paused', async () => {
      const api = await active('a', 'b', 'c');
      await run(COMMANDS.pauseServer, 'b');
      window.editor.pick = 'Reset All Sessions';
      await run(COMMANDS.showSessions);
      const generations = api.snapshot().servers.map(({ connection }) => connection.generation);
      assert.deepEqual(generations, [2, 1, 2]);
      assert.deepEqual(texts(), []);
    });
  });

  describe('a pause', () => {
    it('outlives a reload, and ends when it is told to', async () => {
      const api = await active('a');
      const url = window.servers[0]?.url ?? '';
      assert.equal(await run(COMMANDS.pauseServer), 'a');
      assert.deepEqual(window.editor.statusMessages, ['MCP: a is paused']);
      await reaches(
        api,
        every(() => window.editor.item.text === '$(debug-pause) MCP paused'),
      );
      assert.equal(window.editor.contexts.get('resilientMcp.canResume'), true);
      assert.equal(window.editor.contexts.get('resilientMcp.canPause'), false);
      await window.reload();
      const later = await activate({ a: { url } });
      assert.equal(later.snapshot().servers[0]?.paused, true);
      assert.equal(await run(COMMANDS.resumeServer), 'a');
      assert.equal(later.snapshot().servers[0]?.connection.status, 'ready');
      assert.deepEqual(window.keeping.state.get('servers.paused'), []);
    });

    it('is not to be had twice, and not to be reset: both are told with what helps', async () => {
      const api = await active('a');
      await run(COMMANDS.resumeServer, 'a');
      await run(COMMANDS.pauseServer, 'a');
      await run(COMMANDS.pauseServer, 'a');
      await run(COMMANDS.pauseServer);
      await run(COMMANDS.pauseServer, 'nobody');
      assert.deepEqual(texts(), [
        'MCP: a is not paused.',
        'MCP: a is already paused. Run "MCP: Resume Server" to resume it.',
        'MCP: every server is already paused. Run "MCP: Resume Server" to resume one.',
        'MCP: there is no server "nobody". Configured servers: a.',
      ]);
      window.editor.press = ({ buttons }) => buttons.find((button) => button === 'Resume Server');
      await run(COMMANDS.resetSession, 'a');
      await reaches(
        api,
        every((server) => isReady(server) && server.connection.generation === 2),
      );
    });
  });

  describe('a simulated fault', () => {
    it('is asked for, happens at once, and is healed like a real one', async () => {
      const api = await active('a');
      window.editor.pick = 'Session Lost, Answered with 404';
      assert.equal(await run(COMMANDS.simulateLoss), 'lost-404');
      assert.deepEqual(window.editor.picksOffered, [
        [
          'Session Lost, Answered with 404',
          'Session Lost, Answered with 400',
          'Stream Cut Off',
          'Two Seconds Down',
        ],
      ]);
      await reaches(
        api,
        every((server) => isReady(server) && server.connection.generation === 2),
      );
      assert.equal(window.servers[0]?.count({ method: 'DELETE' }), 1);
      assert.deepEqual(texts(), []);
    });

    it('is not to be had where there is no session, and that is told', async () => {
      await active('a');
      await run(COMMANDS.pauseServer, 'a');
      assert.equal(await run(COMMANDS.simulateLoss, { server: 'a', fault: 'cut' }), undefined);
      assert.equal(await run(COMMANDS.simulateLoss), undefined);
      assert.deepEqual(texts(), [
        'MCP: a has no session to lose. Check that it is connected.',
        'MCP: no server has a session to lose.',
      ]);
    });
  });

  describe('an agent', () => {
    const tool = (name: string) => window.editor.tools.get(name) ?? assert.fail(`there is no tool ${name}`);
    const invoke = async (name: string, input: object) => {
      const options = { input, toolInvocationToken: undefined };
      const answer = await tool(name).invoke(options, {} as CancellationToken);
      return String(Reflect.get(answer?.content[0] ?? {}, 'value'));
    };

    it('is told the state of the sessions, and neither addresses nor whole ids', async () => {
      const api = await active('a', 'b');
      const server = window.servers[0] ?? assert.fail();
      const ids = window.servers.flatMap(({ sessions }) => sessions.map(({ id }) => id));
      server.forgetSessions('404-java');
      await api.callTool('a', 'count', { key: 'k' });
      await run(COMMANDS.pauseServer, 'b');
      const text = await invoke('resilientMcp_sessions', {});
      const [a, b, ...others] = JSON.parse(text).servers;
      assert.deepEqual([a.name, a.state, a.generation, a.recoveries], ['a', 'connected', 2, 1]);
      assert.ok(a.p95Ms >= a.p50Ms);
      assert.match(a.latestFacts.join(), /New session after/);
      assert.deepEqual([b.name, b.state], ['b', 'paused']);
      assert.match(b.advice, /Only the user can resume it/);
      assert.deepEqual(others, []);
      assert.ok([...ids, ...server.sessions.map(({ id }) => id)].every((id) => !text.includes(String(id))));
      assert.ok(!text.includes(server.url));
      assert.equal(JSON.parse(await invoke('resilientMcp_sessions', { server: 'b' })).servers.length, 1);
    });

    it('resets a session only after the person was asked, and is told how that went', async () => {
      const api = await active('a');
      const prepared = await tool('resilientMcp_resetSession').prepareInvocation?.(
        { input: { server: 'a' } },
        {} as CancellationToken,
      );
      assert.equal(prepared?.confirmationMessages?.title, 'Reset the MCP session of a?');
      const text = await invoke('resilientMcp_resetSession', { server: 'a' });
      assert.equal(text, '"a" has a new session (generation 2).');
      assert.equal(api.snapshot().servers[0]?.connection.generation, 2);
      await run(COMMANDS.pauseServer, 'a');
      assert.match(
        await invoke('resilientMcp_resetSession', { server: 'a' }),
        /No new session for "a": .*paused/,
      );
      await assert.rejects(
        invoke('resilientMcp_resetSession', { server: 'x' }),
        /no server "x"\. Configured servers: a\./,
      );
      await assert.rejects(invoke('resilientMcp_sessions', { server: 'x' }), /no server "x"/);
    });
  });

  describe('an outage', () => {
    const notified = (count: number) =>
      until<unknown>(
        (listener) => window.editor.onNotified(listener),
        () => window.editor.notifications.length >= count,
        { what: `notification number ${count}` },
      );

    /** A server that refuses the handshake, which is down at once. */
    async function aRefusing(status: 401 | 404): Promise<ScriptedServer> {
      const server = await aServer();
      server.answerAlways({ rpc: 'initialize' }, { status, body: 'go away' });
      return server;
    }

    it('is told once, with what can be done', async () => {
      const server = await aRefusing(404);
      const told = notified(1);
      const api = await activate({ a: { url: server.url } });
      await told;
      const [{ severity, text, buttons } = assert.fail()] = window.editor.notifications;
      assert.equal(severity, 'warning');
      assert.match(text, /^MCP: a is down\. Still retrying\. .*404/);
      assert.deepEqual(buttons, ['Reset Session', 'Diagnose', 'Don’t Show Again']);
      await api.resetSession('a');
      assert.equal(window.editor.notifications.length, 1);
    });

    it('of a server that wants a sign-in is told as that', async () => {
      const server = await aRefusing(401);
      const told = notified(1);
      await activate({ a: { url: server.url } });
      await told;
      const [{ text, buttons } = assert.fail()] = window.editor.notifications;
      assert.match(text, /^MCP: a needs you to sign in/);
      assert.deepEqual(buttons, ['Open Settings', 'Diagnose', 'Don’t Show Again']);
    });

    it('of several servers is told in one', async () => {
      const [one, other] = [await aRefusing(404), await aRefusing(404)];
      const told = notified(1);
      await activate({ a: { url: one.url }, b: { url: other.url } });
      await told;
      assert.equal(texts()[0], 'MCP: 2 servers are down: a, b.');
    });

    it('is told of no more where a person does not want it, until that is taken back', async () => {
      const server = await aRefusing(404);
      window.editor.press = ({ buttons }) => buttons.find((button) => button === 'Don’t Show Again');
      const told = notified(1);
      await activate({ a: { url: server.url } });
      await told;
      const isSet = () => window.editor.contexts.get('resilientMcp.hasSilenced') === true;
      if (!isSet()) await until<string>((listener) => window.editor.onExecuted(listener), isSet);
      assert.deepEqual(window.keeping.state.get('notifications.silenced'), ['a']);
      await window.reload();
      const api = await activate({ a: { url: server.url }, b: { url: (await aRefusing(404)).url } });
      const again = notified(1);
      await reaches(
        api,
        every(({ connection }) => connection.status === 'down'),
      );
      await again;
      assert.match(texts().join(), /^MCP: b is down/);
      await run(COMMANDS.notifyAgain);
      assert.deepEqual(window.keeping.state.get('notifications.silenced'), []);
      assert.equal(window.editor.contexts.get('resilientMcp.hasSilenced'), false);
    });

    it('that healed is never told', async () => {
      const server = await aServer();
      const api = await activate({ a: { url: server.url } });
      await reaches(api, every(isReady));
      server.forgetSessions('404-java');
      await api.callTool('a', 'count', { key: 'k' });
      assert.deepEqual(texts(), []);
    });
  });
});
