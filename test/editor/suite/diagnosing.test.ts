import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { until } from '../../../harness/until.ts';
import { readRecording } from '../../../scripts/replay/read-recording.ts';
import type { CheckId, Diagnosis } from '../../../src/diagnosis/check.ts';
import { oneStory } from '../../support/one-story.ts';
import { ScriptedServer } from '../../support/scripted-server.ts';
import { configure, echo, serverReady } from './extension.ts';
import { stage } from './stage.ts';
import { look } from './window.ts';

// One story: each test begins where the one before has ended.
describe('Finding out what is wrong in a real VS Code', () => {
  oneStory();
  let everything: string;
  let managed: string;
  let sessionless: ScriptedServer;

  before(async () => {
    ({ url: everything } = await stage('startServer', { name: 'diagnosed' }));
    ({ url: managed } = await stage('startManagedServer', { name: 'good', forgetful: false }));
    sessionless = await ScriptedServer.start({ sessionIds: false });
    await configure({
      diagnosed: { url: everything },
      good: { url: managed },
      sessionless: { url: sessionless.url },
      missing: { url: await stage('deadUrl', null) },
    });
    await serverReady('diagnosed', 1);
  });

  after(async () => {
    await vscode.window.tabGroups.close(reportTabs());
    await configure(undefined);
    await sessionless.close();
  });

  it('says nothing of a problem of a good server', async () => {
    assert.deepEqual(problemsOf(await diagnose('good')), []);
  });

  it('does not miss sessions at a server that has none', async () => {
    const diagnosis = await diagnose('sessionless');
    assert.deepEqual(problemsOf(diagnosis), []);
    assert.match(diagnosis.checks.find(({ id }) => id === 'era')?.says ?? '', /keeps no sessions/);
  });

  it('says that nobody listens', async () => {
    assert.deepEqual(problemsOf(await diagnose('missing')), ['tcp']);
  });

  it('says what a restart of the reference server does to clients, and shows the report', async () => {
    const diagnosis = await diagnose('diagnosed');
    assert.ok(problemsOf(diagnosis).includes('unknown-session'));
    const path = '/Diagnosis of diagnosed.md';
    const report = vscode.Uri.from({ scheme: 'resilient-mcp-report', authority: 'report-4', path });
    const document = await vscode.workspace.openTextDocument(report);
    assert.match(document.getText(), /^# Diagnosis of diagnosed\n/);
    await tabBecomes(/^Diagnosis of diagnosed\.md$/);
    assert.equal(reportTabs().length, 4);
    await serverReady('diagnosed', 1);
  });

  it('asks which server when it is chosen from the palette', async () => {
    // A page that is being loaded takes the keys that are pressed in it.
    await vscode.commands.executeCommand('workbench.view.explorer');
    await look('the pick of a server to diagnose', async (call) => {
      await call('searchPalette', { text: 'MCP: Diagnose Server' });
      await call('press', { key: 'Enter' });
      const rows = await call('pickerRows', { matching: 'sessionless' });
      await call('picture', { name: 'diagnose-pick' });
      assert.equal(rows.length, 4);
      await call('press', { key: 'Escape' });
      await call('pickerClosed', null);
      await call('picture', { name: 'diagnosis-report' });
    });
  });

  it('exports what happened, without what was said', async () => {
    assert.equal(await echo('diagnosed', 'private words'), 'Echo: private words');
    await look('the export of the journal', async (call) => {
      const exporting = vscode.commands.executeCommand<vscode.Uri | undefined>('resilientMcp.exportJournal');
      await call('pickerRows', { matching: '.' });
      await call('picture', { name: 'export-journal' });
      await call('press', { key: 'Enter' });
      const file = await exporting;
      assert.match(file?.path ?? '', /\/mcp-journal-[\d-]+\.jsonl$/);
      assert.ok(file);
      const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
      await vscode.workspace.fs.delete(file);
      assert.doesNotMatch(text, /private words/);
      const { connections } = readRecording(text);
      const facts = connections.find(({ server }) => server === 'diagnosed')?.facts ?? [];
      assert.ok(facts.some((fact) => fact.kind === 'requestAnswered' && fact.tool === 'echo'));
      await call('notification', { text: 'exported .* events' });
      await call('dismissNotifications', null);
    });
  });
});

async function diagnose(server: string): Promise<Diagnosis> {
  const diagnosis = await vscode.commands.executeCommand<Diagnosis | undefined>(
    'resilientMcp.diagnoseServer',
    server,
  );
  assert.ok(diagnosis, `${server} was not diagnosed`);
  return diagnosis;
}

function reportTabs(): vscode.Tab[] {
  return vscode.window.tabGroups.all
    .flatMap(({ tabs }) => tabs)
    .filter(({ label }) => label.startsWith('Diagnosis of'));
}

/** Waits until the tab in front has such a name; it may have it already. */
async function tabBecomes(label: RegExp): Promise<void> {
  const { tabGroups } = vscode.window;
  const isThere = () => label.test(tabGroups.activeTabGroup.activeTab?.label ?? '');
  if (isThere()) return;
  await until<unknown>((listener) => tabGroups.onDidChangeTabs(listener), isThere, {
    what: `a tab ${label}`,
  });
}

function problemsOf({ checks }: Diagnosis): CheckId[] {
  return checks.filter(({ verdict }) => verdict === 'problem').map(({ id }) => id);
}
