import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from '../../harness/until.ts';
import type { HubSnapshot, ServerSnapshot } from '../../src/hub/snapshot.ts';
import type { ResilientMcpApi } from '../../src/vscode/api.ts';
import { COMMANDS } from '../../src/vscode/commands/command-ids.ts';
import { TOOLTIP_COMMANDS } from '../../src/vscode/views/status-bar/status-tooltip.ts';
import type { ScriptedServer } from '../support/scripted-server.ts';
import { extension } from './editor-double/load.ts';
import { reaches, windows } from './editor-double/windows.ts';

// What a test in a real editor can't do well: press buttons of notifications, grant trust, look at what is trusted.
// That the parts look and behave right in an editor is shown by test/editor.
describe('the extension', () => {
  const window = windows();
  const { activate, aServer } = window;

  const allReady = (all: readonly ServerSnapshot[]) =>
    all.length > 0 &&
    all.every(({ connection, tools }) => connection.status === 'ready' && tools !== undefined);

  /** Active, with these servers connected. */
  async function active(entries: Record<string, { url: string }>): Promise<ResilientMcpApi> {
    const api = await activate(entries);
    await reaches(api, allReady);
    return api;
  }

  const reset = (argument?: unknown) => window.editor.commands.get(COMMANDS.resetSession)?.(argument);
  const names = (api: ResilientMcpApi) => api.snapshot().servers.map((server) => server.name);

  it('has its commands registered even if a later part fails', async () => {
    Object.defineProperty(window.editor, 'userValue', {
      get: () => {
        throw new Error('no configuration');
      },
    });
    await assert.rejects(activate(), /no configuration/);
    assert.deepEqual([...window.editor.commands.keys()].sort(), Object.values(COMMANDS).sort());
  });

  it('opens no connection before activate() has returned', async () => {
    const server = await aServer();
    window.editor.userValue = { a: { url: server.url } };
    const api = await activate();
    assert.equal(api.snapshot().servers[0]?.connection.status, 'idle');
    await reaches(api, allReady);
    assert.deepEqual(server.sessions[0]?.clientInfo, { name: 'resilient-mcp', version: '1.2.3' });
  });

  it('ends its sessions when it is deactivated', async () => {
    const server = await aServer();
    await active({ a: { url: server.url } });
    await extension.deactivate();
    assert.equal(server.sessions.length, 0);
  });

  describe('in the status bar', () => {
    it('shows its item only while servers are configured', async () => {
      const server = await aServer();
      const api = await active({ a: { url: server.url } });
      await reaches(api, () => window.editor.item.visible);
      assert.equal(window.editor.item.text, '$(plug) MCP 1/1');
      const hidden = until<HubSnapshot>(
        (listener) => api.onDidChange(listener),
        () => true,
      );
      window.editor.configure({});
      await hidden;
      assert.equal(window.editor.item.visible, false);
    });

    it('trusts no command of the tooltip but its own', async () => {
      const server = await aServer();
      await active({ a: { url: server.url } });
      const tooltip = window.editor.item.tooltip;
      assert.ok(typeof tooltip === 'object');
      assert.deepEqual(tooltip.isTrusted, { enabledCommands: TOOLTIP_COMMANDS });
      assert.equal(tooltip.supportHtml, undefined);
    });

    it('shows what can be done when it is clicked, and does nothing by itself', async () => {
      const server = await aServer();
      const api = await active({ a: { url: server.url } });
      const { command } = window.editor.item;
      assert.ok(typeof command === 'string');
      await window.editor.commands.get(command)?.();
      assert.deepEqual(window.editor.picksOffered[0]?.slice(0, 3), ['a', 'Actions', 'Show Timeline']);
      assert.equal(api.snapshot().servers[0]?.connection.generation, 1);
    });
  });

  describe('when asked to reset a session', () => {
    it('resets the only server without asking, and says so in the status bar', async () => {
      const server = await aServer();
      await active({ a: { url: server.url } });
      await reset();
      assert.deepEqual(window.editor.picksOffered, []);
      assert.match(
        window.editor.statusMessages[0] ?? '',
        /^MCP: new session for a \(generation 2, \d+ ms\)$/,
      );
      assert.deepEqual(window.editor.notifications, []);
    });

    it('asks which of several, and resets all if that is picked', async () => {
      const [one, two] = [await aServer(), await aServer()];
      const api = await active({ a: { url: one.url }, b: { url: two.url } });
      await reset();
      assert.deepEqual(window.editor.picksOffered, [['All sessions', 'a', 'b']]);
      assert.deepEqual(window.editor.statusMessages, []);
      window.editor.pick = 'All sessions';
      await reset();
      assert.deepEqual(
        api.snapshot().servers.map(({ connection }) => connection.generation),
        [2, 2],
      );
      window.editor.pick = 'b';
      await reset();
      assert.deepEqual(
        api.snapshot().servers.map(({ connection }) => connection.generation),
        [2, 3],
      );
    });

    it('resets the server that a keybinding names', async () => {
      const [one, two] = [await aServer(), await aServer()];
      const api = await active({ a: { url: one.url }, b: { url: two.url } });
      await reset('b');
      await reset({ server: 'b' });
      assert.deepEqual(
        api.snapshot().servers.map(({ connection }) => connection.generation),
        [1, 3],
      );
    });

    it('names the known servers when it is asked for another', async () => {
      const server = await aServer();
      await active({ a: { url: server.url } });
      await reset('b');
      assert.deepEqual(
        window.editor.notifications.map(({ severity, text }) => [severity, text]),
        [['error', 'MCP: there is no server "b". Configured servers: a.']],
      );
    });

    it('leads to the setting when no server is configured', async () => {
      await activate();
      window.editor.press = ({ buttons }) => buttons[0];
      await reset();
      assert.deepEqual(
        window.editor.notifications.map(({ text, buttons }) => [text, ...buttons]),
        [['MCP: no servers are configured.', 'Open Settings']],
      );
      await untilExecuted('workbench.action.openSettings');
    });

    it('tells why it failed, and tries again when that is pressed', async () => {
      const server = await aServer();
      const stranger = { ...server.face };
      server.face.protocolVersions = ['1999-01-01'];
      window.editor.userValue = { a: { url: server.url } };
      const api = await activate();
      await reaches(api, ([first]) => first?.connection.status === 'down');
      window.editor.press = ({ buttons }) => {
        server.face.protocolVersions = stranger.protocolVersions;
        return buttons.find((button) => button === 'Retry');
      };
      await reset();
      await reaches(api, allReady);
      assert.equal(window.editor.notifications.length, 1);
      assert.deepEqual(window.editor.notifications[0]?.buttons, ['Retry', 'Show Log']);
      assert.match(window.editor.notifications[0]?.text ?? '', /^MCP: no new session for a: .*1999-01-01/);
    });
  });

  describe('that reads its setting', () => {
    it('warns of a problem once, with its key, and connects the good server', async () => {
      const server = await aServer();
      const api = await active({ a: { url: server.url }, b: { url: 'nowhere' } });
      assert.deepEqual(names(api), ['a']);
      window.editor.configure(window.editor.userValue);
      assert.equal(window.editor.notifications.length, 1);
      assert.match(
        window.editor.notifications[0]?.text ?? '',
        /^resilientMcp\.servers\["b"\]\.url must be a full http/,
      );
      assert.ok(window.editor.logged.some((line) => line.startsWith('settingNotUsable key=')));
      window.editor.configure({ a: { url: server.url }, c: { url: 'nowhere' } });
      assert.equal(window.editor.notifications.length, 2);
    });

    it('warns again when a problem that was mended comes back', async () => {
      await activate();
      window.editor.configure({ b: { url: 'nowhere' } });
      window.editor.configure({});
      window.editor.configure({ b: { url: 'nowhere' } });
      assert.equal(window.editor.notifications.length, 2);
    });

    it('opens the setting or the log when the user presses it', async () => {
      await activate();
      window.editor.press = ({ buttons }) => buttons[0];
      window.editor.configure({ b: { url: 'nowhere' } });
      await untilExecuted('workbench.action.openSettings');
      window.editor.press = ({ buttons }) => buttons[1];
      window.editor.configure({ c: { url: 'nowhere' } });
      await untilExecuted(COMMANDS.showLog);
      assert.ok(window.editor.logged.includes('shown'));
    });

    it('looks only at changes of its own setting', async () => {
      const api = await activate();
      window.editor.userValue = { a: { url: 'http://127.0.0.1:9/' } };
      window.editor.configureAnother();
      assert.deepEqual(names(api), []);
    });

    it('ignores the servers of a workspace until it is trusted', async () => {
      const server = await aServer();
      window.editor.isTrusted = false;
      window.editor.workspaceValue = { theirs: { url: 'http://127.0.0.1:9/' } };
      const api = await active({ mine: { url: server.url } });
      assert.deepEqual(names(api), ['mine']);
      window.editor.grantTrust();
      assert.deepEqual(names(api), ['mine', 'theirs']);
      assert.equal(api.snapshot().servers[0]?.connection.generation, 1);
    });
  });

  describe('inputs', () => {
    const asking = (url: string) => ({ a: { url, headers: { Authorization: `Bearer ${input('token')}` } } });
    const input = (id: string) => `\${input:${id}}`;

    const authorization = (server: ScriptedServer) =>
      new Set(server.requests.map(({ headers }) => headers.authorization));

    it('are asked for once, unseen, and kept where nobody reads them', async () => {
      const server = await aServer();
      window.editor.userValue = asking(server.url);
      window.editor.userInputs = [{ id: 'token', description: 'Token of the notes', password: true }];
      window.editor.press = ({ buttons }) => buttons.find((button) => button === 'Enter Value');
      window.editor.type = 'tell-nobody';
      const api = await activate();
      await reaches(api, allReady);
      assert.deepEqual(
        window.editor.notifications.map(({ text, buttons }) => [text, buttons]),
        [['MCP: a server needs a value: Token of the notes.', ['Enter Value']]],
      );
      assert.deepEqual(window.editor.inputBoxes, [
        {
          prompt: 'Token of the notes. Stored in the editor’s secret storage, not in a file.',
          password: true,
        },
      ]);
      assert.deepEqual([...authorization(server)], ['Bearer tell-nobody']);
      assert.equal(window.keeping.secretTexts.get('input:user:token'), 'tell-nobody');
      assert.ok(!window.editor.logged.join('\n').includes('tell-nobody'));
      assert.ok(!JSON.stringify(api.snapshot()).includes('tell-nobody'));

      await window.reload();
      await reaches(await activate(asking(server.url)), allReady);
      assert.deepEqual(window.editor.notifications, []);
    });

    it('leave the servers that ask for none alone', async () => {
      const server = await aServer();
      window.editor.userValue = { ...asking('http://127.0.0.1:9/mcp'), b: { url: server.url } };
      const api = await activate();
      await reaches(api, allReady);
      assert.deepEqual(names(api), ['b']);
      assert.equal(window.editor.notifications.length, 1);
    });

    it('connect only the server anew whose value has changed', async () => {
      const [one, other] = [await aServer(), await aServer()];
      window.keeping.secretTexts.set('input:user:token', 'first');
      window.editor.userValue = { ...asking(one.url), b: { url: other.url } };
      const api = await activate();
      await reaches(api, allReady);
      await window.keeping.secrets.store('input:user:token', 'second');
      await reaches(api, (all) => allReady(all) && authorization(one).size > 1);
      assert.deepEqual([...authorization(one)], ['Bearer first', 'Bearer second']);
      assert.equal(other.sessions.length, 1);
    });

    it('are entered anew and forgotten by a command', async () => {
      window.keeping.secretTexts.set('input:user:token', 'first');
      window.editor.userValue = asking('http://127.0.0.1:9/mcp');
      await activate();
      const enter = () => window.editor.commands.get(COMMANDS.enterInput)?.();
      window.editor.pick = 'token';
      window.editor.type = 'second';
      await enter();
      assert.equal(window.keeping.secretTexts.get('input:user:token'), 'second');
      window.editor.pick = 'Clear: token';
      await enter();
      assert.equal(window.keeping.secretTexts.has('input:user:token'), false);
      assert.deepEqual(window.editor.picksOffered, [
        ['token', 'Clear: token'],
        ['token', 'Clear: token'],
      ]);
    });

    it('are not kept where the editor keeps no secrets, and that is said', async () => {
      window.editor.userValue = asking('http://127.0.0.1:9/mcp');
      const api = await activate();
      window.keeping.noSecrets = 'no keyring';
      window.editor.pick = 'token';
      window.editor.type = 'abc';
      await window.editor.commands.get(COMMANDS.enterInput)?.();
      assert.match(window.editor.notifications.at(-1)?.text ?? '', /can’t store secrets: no keyring/);
      assert.deepEqual(names(api), []);
    });
  });

  describe('Copy Gateway Configuration', () => {
    const copy = () => window.editor.commands.get(COMMANDS.copyGatewayConfiguration)?.();

    it('puts the address and the token on the clipboard, and says where it must not go', async () => {
      const server = await aServer();
      await active({ a: { url: server.url } });
      window.editor.pick = 'VS Code';
      assert.equal(await copy(), true);
      const { servers } = JSON.parse(window.editor.clipboard);
      const { url, headers } = servers.a;
      assert.match(headers.Authorization, /^Bearer [\w-]{43}$/);
      const allowed = await fetch(url, { method: 'DELETE', headers });
      assert.notEqual(allowed.status, 401);
      assert.equal((await fetch(url, { method: 'DELETE' })).status, 401);
      const [{ severity, text } = assert.fail()] = window.editor.notifications;
      assert.equal(severity, 'warning');
      assert.match(text, /\.vscode\/mcp\.json is often shared with others/);
      assert.ok(!text.includes(headers.Authorization));
      assert.ok(!window.editor.logged.join('\n').includes(headers.Authorization.slice('Bearer '.length)));
    });

    it('asks which servers when there are several', async () => {
      const [one, other] = [await aServer(), await aServer()];
      await active({ a: { url: one.url }, b: { url: other.url } });
      window.editor.picks = ['b', 'Codex'];
      await copy();
      assert.match(
        window.editor.clipboard,
        /^\[mcp_servers\.b\]\nurl = "http:\/\/127\.0\.0\.1:\d+\/b\/mcp"\n/,
      );
      assert.ok(!window.editor.clipboard.includes('mcp_servers.a'));
    });

    it('takes the token off the clipboard when the user is done with it', async () => {
      const server = await aServer();
      await active({ a: { url: server.url } });
      window.editor.picks = ['Cline'];
      window.editor.press = ({ buttons }) => buttons.find((button) => button === 'Clear Clipboard');
      const cleared = until<string>(
        (listener) => {
          window.editor.clipboardListeners.add(listener);
          return () => window.editor.clipboardListeners.delete(listener);
        },
        (text) => text === '',
      );
      await copy();
      await cleared;
    });

    it('copies nothing when nothing is chosen, and says when there is nothing to choose', async () => {
      await activate();
      assert.equal(await copy(), false);
      assert.match(window.editor.notifications[0]?.text ?? '', /no servers are configured/);
      const server = await aServer();
      window.editor.configure({ a: { url: server.url } });
      assert.equal(await copy(), false);
      assert.equal(window.editor.clipboard, '');
    });
  });

  describe('Renew Gateway Token', () => {
    const renew = () => window.editor.commands.get(COMMANDS.renewGatewayToken)?.();

    async function copied(): Promise<Record<string, string>> {
      window.editor.pick = 'VS Code';
      await window.editor.commands.get(COMMANDS.copyGatewayConfiguration)?.();
      return JSON.parse(window.editor.clipboard).servers.a;
    }

    it('asks first, refuses the token of before, and offers the new configuration', async () => {
      const server = await aServer();
      await active({ a: { url: server.url } });
      const before = await copied();
      assert.equal(await renew(), false);
      const { text, buttons, detail } = window.editor.notifications.at(-1) ?? assert.fail();
      assert.match(text, /^Renew the token/);
      assert.match(detail ?? '', /refused until they have the new one/);
      assert.deepEqual(buttons, ['Renew Token']);
      assert.deepEqual((await copied()).headers, before.headers);

      const executed = until<string>(
        (listener) => window.editor.onExecuted(listener),
        (id) => id === COMMANDS.copyGatewayConfiguration,
      );
      window.editor.press = ({ buttons: [first] }) => first;
      assert.equal(await renew(), true);
      await executed;
      const after = await copied();
      assert.equal(after.url, before.url);
      assert.notDeepEqual(after.headers, before.headers);
      const { headers } = before as unknown as { headers: Record<string, string> };
      assert.equal((await fetch(before.url ?? '', { method: 'DELETE', headers })).status, 401);
    });

    it('is done by itself when a stranger has the port, and the new configuration is offered', async () => {
      const server = await aServer();
      const squatter = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
      await once(squatter, 'listening');
      window.subscriptions.push({ dispose: () => squatter.close() });
      const told = until<{ text: string; buttons: readonly string[] }>(
        (listener) => window.editor.onNotified(listener),
        ({ text }) => text.includes('another program uses the port'),
      );
      window.keeping.state.set('gateway.port', (squatter.address() as AddressInfo).port);
      await active({ a: { url: server.url } });
      assert.deepEqual((await told).buttons, ['Copy Gateway Configuration…']);
    });
  });

  it('writes facts to its log, and neither headers nor whole session ids', async () => {
    const server = await aServer();
    window.editor.userValue = { a: { url: server.url, headers: { Authorization: 'Bearer tell-nobody' } } };
    const api = await activate();
    await reaches(api, allReady);
    const id = server.sessions[0]?.id ?? assert.fail();
    server.forgetSessions('404-java');
    await api.callTool('a', 'count', { key: 'k' });
    const text = window.editor.logged.join('\n');
    assert.match(text, /^sessionOpened server=a .*generation=1 session=.{8}… /m);
    assert.match(text, /^sessionReplaced server=a generation=2 previous=1 /m);
    assert.ok(!text.includes('tell-nobody') && !text.includes(id), text);
  });

  async function untilExecuted(command: string): Promise<void> {
    if (window.editor.executed.includes(command)) return;
    await until<string>(
      (listener) => window.editor.onExecuted(listener),
      (id) => id === command,
    );
  }
});
