import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type * as vscode from 'vscode';
import { readRecording } from '../../scripts/replay/read-recording.ts';
import type { Diagnosis } from '../../src/diagnosis/check.ts';
import type { ResilientMcpApi } from '../../src/vscode/api.ts';
import { COMMANDS } from '../../src/vscode/commands/command-ids.ts';
import { diagnosePicks, diagnoseTarget, reportName } from '../../src/vscode/diagnosis/diagnose-view.ts';
import { english } from '../../src/vscode/text/translate.ts';
import { scratchFolder } from '../support/scratch.ts';
import { journalName } from './editor-double/load.ts';
import { reaches, windows } from './editor-double/windows.ts';
import { server as snapshotOf } from './snapshots.ts';

describe('the commands that find out what is wrong', () => {
  const window = windows();
  const { aServer } = window;

  async function active(configured: object): Promise<ResilientMcpApi> {
    const api = await window.activate(configured);
    await reaches(api, (all) => all.every(({ connection }) => connection.status === 'ready'));
    return api;
  }

  const diagnose = async (argument?: unknown) =>
    (await window.editor.commands.get(COMMANDS.diagnoseServer)?.(argument)) as Diagnosis | undefined;
  const exportJournal = async () => window.editor.commands.get(COMMANDS.exportJournal)?.();

  /** The reports that were shown, each by its address and its text. */
  function watchReports(): { name: string; text: unknown }[] {
    const shown: { name: string; text: unknown }[] = [];
    window.editor.commands.set('vscode.openWith', (uri) => {
      const { path } = uri as vscode.Uri;
      const provider = window.editor.contentProviders.get('resilient-mcp-report');
      const text = provider?.provideTextDocumentContent(uri as vscode.Uri, undefined as never);
      shown.push({ name: path.slice(1), text });
    });
    return shown;
  }

  describe('Diagnose Server', () => {
    it('looks at the only server in a session of its own, tells how far it is, and shows the report', async () => {
      const server = await aServer();
      await active({ github: { url: server.url } });
      const shown = watchReports();
      const diagnosis = await diagnose();
      assert.equal(diagnosis?.checks.find(({ id }) => id === 'unknown-session')?.verdict, 'ok');
      assert.deepEqual(
        shown.map(({ name }) => name),
        ['Diagnosis of github.md'],
      );
      assert.match(String(shown[0]?.text), /^# Diagnosis of github\n\nNo problem found/);
      assert.match(String(shown[0]?.text), /resilient-mcp 1\.2\.3/);
      assert.equal(window.editor.progress.length, diagnosis?.checks.length);
      assert.deepEqual(window.editor.picksOffered, []);
      assert.equal(server.sessions.length, 1, 'the session of the connection is kept');
      assert.equal(server.runs(), 0);
    });

    it('names the clients that were refused at the gateway for want of the token, until they bring it', async () => {
      const server = await aServer();
      const api = await active({ github: { url: server.url } });
      window.editor.pick = 'Cursor';
      await window.editor.commands.get(COMMANDS.copyGatewayConfiguration)?.();
      const { url, headers } = JSON.parse(window.editor.clipboard).mcpServers.github;
      const send = (more: object) =>
        fetch(url, {
          method: 'POST',
          headers: { 'user-agent': 'copilot-cli/1.0 (linux)', ...more },
          body: '{}',
        });
      assert.equal((await send({})).status, 401);
      assert.equal((await send({ authorization: 'Bearer of another time' })).status, 401);
      const told = api.snapshot().servers[0]?.refused.map(({ client, requests }) => [client, requests]);
      assert.deepEqual(told, [['copilot-cli', 2]]);
      watchReports();
      const check = (await diagnose())?.checks.find(({ id }) => id === 'clients');
      assert.equal(check?.verdict, 'problem');
      assert.equal(check?.says, 'An agent was refused: no token.');
      assert.match(check?.evidence[0]?.failure ?? '', /^refused 2 times, last at /);
      assert.equal(check?.evidence[0]?.what, 'copilot-cli');
      assert.equal(
        window.editor.logged.filter((line) => line.startsWith('clientRefused server="github"')).length,
        1,
      );
      await send(headers);
      assert.equal((await diagnose())?.checks.find(({ id }) => id === 'clients')?.verdict, 'ok');
      assert.deepEqual(api.snapshot().servers[0]?.refused, []);
    });

    it('asks which of several servers', async () => {
      const [one, other] = [await aServer(), await aServer()];
      await active({ a: { url: one.url }, b: { url: other.url } });
      const shown = watchReports();
      assert.equal(await diagnose(), undefined);
      window.editor.pick = 'b';
      await diagnose({ all: true });
      assert.deepEqual(window.editor.picksOffered, [
        ['a', 'b'],
        ['a', 'b'],
      ]);
      assert.deepEqual(
        shown.map(({ name }) => name),
        ['Diagnosis of b.md'],
      );
    });

    it('takes the server that a row of the view stands for, or says that there is none of that name', async () => {
      const server = await aServer();
      await active({ a: { url: server.url }, b: { url: server.url } });
      const shown = watchReports();
      await diagnose({ server: 'a' });
      assert.equal(shown[0]?.name, 'Diagnosis of a.md');
      await diagnose('c');
      assert.match(window.editor.notifications[0]?.text ?? '', /no server "c"/);
      assert.equal(shown.length, 1);
    });

    it('can be cancelled, and reports what it has seen by then', async () => {
      const server = await aServer();
      await active({ a: { url: server.url } });
      const shown = watchReports();
      window.editor.cancelsAt = 'Unknown session';
      const diagnosis = await diagnose();
      assert.equal(diagnosis?.checks.find(({ id }) => id === 'unknown-session')?.verdict, 'skipped');
      assert.match(String(shown[0]?.text), /It was cancelled/);
      assert.equal(server.sessions.length, 1);
    });

    it('offers the settings where no server is configured', async () => {
      await active({});
      window.editor.press = () => 'Open Settings';
      assert.equal(await diagnose(), undefined);
      assert.match(window.editor.notifications[0]?.text ?? '', /no servers are configured/);
    });

    it('keeps the last ten reports, and says of the others that they were not kept', async () => {
      const server = await aServer();
      server.answerAlways({}, { status: 405 });
      window.editor.userValue = {};
      await active({});
      window.editor.configure({ a: { url: server.url } });
      const uris: vscode.Uri[] = [];
      window.editor.commands.set('vscode.openWith', (uri) => uris.push(uri as vscode.Uri));
      for (let count = 0; count < 11; count += 1) await diagnose('a');
      const provider = window.editor.contentProviders.get('resilient-mcp-report');
      const texts = uris.map((uri) => String(provider?.provideTextDocumentContent(uri, undefined as never)));
      assert.match(texts[0] ?? '', /no longer available/);
      assert.match(texts[1] ?? '', /^# Diagnosis of a/);
    });
  });

  describe('Export Session Journal', () => {
    it('writes what happened into the file that is chosen, with no folder open', async () => {
      using folder = scratchFolder();
      const server = await aServer();
      const api = await active({ github: { url: `${server.url}?key=hunter2` } });
      server.forgetSessions('400-json');
      await api.callTool('github', 'peek', { key: 'private words' });
      window.editor.savesTo = folder.file('journal.jsonl');
      await exportJournal();
      const text = readFileSync(folder.file('journal.jsonl'), 'utf8');
      const { product, servers: named, connections } = readRecording(text);
      assert.equal(product, '1.2.3');
      assert.deepEqual(named, [{ name: 'github', type: 'http', target: server.url }]);
      const kinds = connections[0]?.facts.map(({ kind }) => kind) ?? [];
      for (const kind of ['sessionOpened', 'exchangeFailed', 'sessionLost', 'requestAnswered'] as const) {
        assert.ok(kinds.includes(kind), kind);
      }
      assert.doesNotMatch(text, /hunter2|private words/);
      for (const { sessionId } of server.requests)
        assert.ok(sessionId === undefined || !text.includes(sessionId));
      assert.match(window.editor.savesOffered[0] ?? '', /\/mcp-journal-\d{4}-\d{2}-\d{2}-\d{4}\.jsonl$/);
      assert.match(
        window.editor.notifications[0]?.text ?? '',
        /exported \d+ events.*review it before you share it/,
      );
    });

    it('writes nothing when no file is chosen, and says so when it cannot be written', async () => {
      const server = await aServer();
      await active({ a: { url: server.url } });
      assert.equal(await exportJournal(), undefined);
      assert.equal(window.editor.notifications.length, 0);
      window.editor.savesTo = '/nowhere/journal.jsonl';
      assert.equal(await exportJournal(), undefined);
      assert.match(window.editor.notifications[0]?.text ?? '', /could not write the journal/);
    });

    it('says that there is nothing yet', async () => {
      await active({});
      assert.equal(await exportJournal(), undefined);
      assert.match(window.editor.notifications[0]?.text ?? '', /there are no events to export yet/);
      assert.deepEqual(window.editor.savesOffered, []);
    });
  });
});

describe('what these commands show', () => {
  it('offers each server by itself, never all of them', () => {
    const picks = diagnosePicks([snapshotOf('a'), snapshotOf('b')], english);
    assert.deepEqual(
      picks.map(({ label }) => label),
      ['a', 'b'],
    );
    assert.deepEqual(diagnoseTarget({ all: true }, ['a', 'b']), { kind: 'ask' });
    assert.deepEqual(diagnoseTarget('b', ['a', 'b']), { kind: 'one', name: 'b' });
  });

  it('names documents so that a file system takes them', () => {
    assert.equal(reportName('../../etc/passwd'), 'Diagnosis of ..-..-etc-passwd.md');
    assert.equal(reportName('köln 1'), 'Diagnosis of köln 1.md');
    assert.equal(journalName(Date.UTC(2026, 10, 22, 14, 5, 59)), 'mcp-journal-2026-11-22-1405.jsonl');
  });
});
