import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { oneStory } from '../../support/one-story.ts';
import { configure, echo, extension, serverReady } from './extension.ts';
import { stage } from './stage.ts';
import { chooseCommand, look } from './window.ts';

const SERVER = 'watched';
const { Global } = vscode.ConfigurationTarget;

/** Shows the window in a theme of the editor; undefined: in that of the settings. */
async function wear(theme: string | undefined): Promise<void> {
  const looks = vscode.workspace.getConfiguration();
  // Otherwise the theme is that of the system, whatever is set.
  await looks.update('window.autoDetectColorScheme', theme === undefined ? undefined : false, Global);
  const { ColorThemeKind } = vscode;
  const kinds: Record<string, vscode.ColorThemeKind> = {
    'Light 2026': ColorThemeKind.Light,
    'Dark 2026': ColorThemeKind.Dark,
    'Default High Contrast': ColorThemeKind.HighContrast,
  };
  const worn = new Promise<void>((resolve) => {
    const isWorn = () => theme === undefined || vscode.window.activeColorTheme.kind === kinds[theme];
    if (isWorn()) return resolve();
    const listening = vscode.window.onDidChangeActiveColorTheme(() => {
      if (!isWorn()) return;
      listening.dispose();
      resolve();
    });
  });
  await looks.update('workbench.colorTheme', theme, Global);
  await worn;
}

// One story: each test begins where the one before has ended.
describe('The view of sessions and the timeline', () => {
  oneStory();
  let url: string;

  before(async () => {
    ({ url } = await stage('startServer', { name: SERVER }));
    await extension().activate();
  });

  after(async () => {
    await wear(undefined);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await vscode.commands.executeCommand('workbench.action.closePanel');
    await configure(undefined);
  });

  it('welcomes those who have no server yet, and leads to the first', async () => {
    await vscode.commands.executeCommand('resilientMcp.sessions.focus');
    await look('the welcome', async (call) => {
      await call('picture', { name: 'sessions-welcome' });
    });
  });

  it('show the server with its session, and what happened to it', async () => {
    await configure({ [SERVER]: { url } });
    await serverReady(SERVER, 1);
    await look('the view of sessions', async (call) => {
      const rows = await call('treeRows', { matching: `^${SERVER}: connected, generation 1` });
      assert.ok(rows.some((row) => /^Session: protocol /.test(row)));
      await call('treeRows', { matching: '^\\d+ tools, \\d+ resources, \\d+ prompts$' });
      assert.ok(rows.includes('Latest events'));
      await call('hoverTreeRow', { matching: `^${SERVER}: ` });
      await call('picture', { name: 'sessions-view' });
      await call('pointAway', null);
    });
  });

  it('opens as a panel by "MCP: Show Session Timeline", with all that has happened before', async () => {
    await chooseCommand('MCP: Show Session Timeline', 'resilientMcp.showTimeline', 'timeline-palette');
    await look('the timeline', async (call) => {
      await call('timelineText', { matching: 'Sessions\\s*1' });
    });
  });

  it('grows with every call, every fault and every recovery', async () => {
    for (let round = 0; round < 8; round++) await echo(SERVER, `before ${round}`);
    await stage('killServer', { name: SERVER });
    await stage('startServerAgain', { name: SERVER });
    await Promise.all(Array.from({ length: 6 }, (_, n) => echo(SERVER, `after ${n}`)));
    await serverReady(SERVER, 2);
    await look('the timeline after a recovery', async (call) => {
      await call('timelineText', { matching: 'Calls\\s*1\\d.*Recoveries\\s*1' });
      await call('pressInTimeline', { key: 'End' });
      await call('timelineText', { matching: `${SERVER}: connected, generation 2` });
    });
  });

  for (const theme of ['Light 2026', 'Dark 2026', 'Default High Contrast']) {
    it(`has nothing that axe-core objects to in the theme ${theme}`, async () => {
      await look(`the timeline in ${theme}`, async (call) => {
        await wear(theme);
        const name = theme.toLowerCase().replaceAll(' ', '-');
        await call('timelineText', { matching: 'Live' });
        await call('picture', { name: `timeline-${name}` });
        assert.deepEqual(await call('timelineViolations', null), []);
        await call('clickInTimeline', { button: 'Table' });
        await call('timelineText', { matching: '1 to \\d+ of \\d+' });
        await call('picture', { name: `timeline-table-${name}` });
        assert.deepEqual(await call('timelineViolations', null), []);
        await call('clickInTimeline', { button: 'Chart' });
      });
    });
  }

  it('comes back as it was after another editor was in front, with what has happened meanwhile', async () => {
    await look('the timeline, hidden and shown again', async (call) => {
      await call('clickInTimeline', { button: 'Table' });
      const document = await vscode.workspace.openTextDocument({ content: 'in front' });
      await vscode.window.showTextDocument(document);
      await echo(SERVER, 'while it was hidden');
      await vscode.commands.executeCommand('resilientMcp.showTimeline', SERVER);
      const text = await call('timelineText', { matching: '1 to \\d+ of \\d+' });
      assert.match(text, /tools\/call echo answered/);
    });
  });
});
