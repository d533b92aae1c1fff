import { setTimeout as pause } from 'node:timers/promises';
import { TimelineView } from '../../editor-host/timeline-view.ts';
import { type PhotoSet, THEMES, type Theme } from './photo-set.ts';
import { type GatewayEntries, Traffic } from './traffic.ts';

/** One thing that pictures are taken of. Each begins with what it needs, so that it can be taken by itself. */
export type Scene = (set: PhotoSet) => Promise<void>;

const themes = Object.keys(THEMES) as Theme[];

async function welcome(set: PhotoSet): Promise<void> {
  await set.configure({});
  await set.showSessions();
  await set.page.locator('.part.panel .welcome-view-content').filter({ hasText: 'No MCP server' }).waitFor();
  await set.picture('sessions-welcome');
}

async function walkthrough(set: PhotoSet): Promise<void> {
  await set.configure({});
  await set.choose('Open Walkthrough');
  await set.window.pick('MCP connections that heal themselves');
  await set.grow(900);
  const steps = set.page.locator('.getting-started-step');
  await steps.first().waitFor();
  for (let n = 0; n < (await steps.count()); n++) {
    if (n > 0) await steps.nth(n).locator('.step-title').click();
    await set.drawn('svg');
    await set.picture(`walkthrough-${n + 1}`);
  }
}

async function ready(set: PhotoSet): Promise<void> {
  await set.allReady();
  await set.pictureOfStatus('status-ready');
}

async function sessions(set: PhotoSet): Promise<void> {
  await set.allReady();
  await set.showSessions();
  await set.choose('View: Toggle Maximized Panel');
  await set.window.treeRows(/^everything: connected/);
  await set.page.getByRole('treeitem', { name: 'Latest events' }).first().click();
  await set.window.hoverTreeRow(/^everything: /);
  const rows = set.page.getByRole('treeitem');
  await set.picture(
    'sessions-view',
    set.page.locator('.part.panel .composite.title'),
    rows.first(),
    rows.last(),
  );
  await set.choose('View: Toggle Maximized Panel');
}

async function palette(set: PhotoSet): Promise<void> {
  await set.allReady();
  await set.grow(1500);
  await set.window.searchPalette('MCP: ');
  await set.window.pickerRows(/Show Session Timeline/);
  await set.picture('palette', set.page.locator('.quick-input-widget'));
  await set.window.press('Escape');
}

async function quickPick(set: PhotoSet): Promise<void> {
  await set.allReady();
  await set.grow(1000);
  await set.clickStatus();
  await set.window.pickerRows(/everything/);
  await set.picture('quick-pick', set.page.locator('.quick-input-widget'));
  await set.window.press('Escape');
}

async function healing(set: PhotoSet): Promise<void> {
  await set.allReady();
  await set.servers.ledger.kill();
  await set.status(/2 of 3 servers connected\. ledger: .* in \d/);
  await set.pictureOfStatus('status-healing');
  await set.servers.ledger.start();
  await set.status(/3 of 3 servers connected/);
}

async function down(set: PhotoSet): Promise<void> {
  const { everything, ledger } = set.entries;
  const mistyped = { url: `${everything.url}-typo` };
  await set.configure({ everything, ledger, mistyped });
  await set.status(/2 of 3 servers connected\. mistyped: down/);
  await set.pictureOfStatus('status-partly-down');
  await set.configure({ mistyped });
  await set.status(/0 of 1 server connected\. mistyped: down/);
  await set.pictureOfStatus('status-down');
  await set.allReady();
}

async function paused(set: PhotoSet): Promise<void> {
  await set.allReady();
  await set.choose('MCP: Pause Server');
  await set.window.pick('notes');
  await set.status(/1 server is paused/);
  await set.pictureOfStatus('status-paused');
  await set.choose('MCP: Resume Server');
  await set.status(/3 of 3 servers connected/);
}

async function simulation(set: PhotoSet): Promise<void> {
  await set.allReady();
  await set.choose('MCP: Simulate a Lost Session');
  await set.window.pick('everything');
  await set.window.pickerRows(/404/);
  await set.picture('simulate', set.page.locator('.quick-input-widget'));
  await set.window.press('Escape');
}

async function timeline(set: PhotoSet): Promise<void> {
  const { everything, ledger } = set.entries;
  await set.configure({ everything, ledger });
  await set.status(/2 of 2 servers connected/);
  const clients = await haveHistory(set);
  await set.choose('MCP: Show Session Timeline');
  const view = new TimelineView(set.page);
  await view.text(/Recoveries\s*[1-9]/);
  await view.click('Fit');
  for (const theme of themes) {
    await set.wear(theme);
    await view.press('End');
    await set.picture(`timeline-${theme}`);
  }
  await set.wear('dark');
  await view.click('Table');
  await view.text(/1 to \d+ of \d+/);
  await set.picture('timeline-table');
  for (const client of clients) await client.close();
}

/** Calls of two clients, which go on; a restart of one server meanwhile, and two seconds without the other. */
async function haveHistory(set: PhotoSet): Promise<Traffic[]> {
  const gateway = await gatewayEntries(set);
  const clients = [await Traffic.start('everything', gateway), await Traffic.start('ledger', gateway)];
  await pause(6_000);
  await set.servers.everything.kill();
  await set.servers.everything.start();
  await pause(5_000);
  await set.servers.ledger.kill();
  await pause(2_000);
  await set.servers.ledger.start();
  await set.status(/2 of 2 servers connected/);
  return clients;
}

async function gatewayEntries(set: PhotoSet): Promise<GatewayEntries> {
  await set.choose('MCP: Copy Gateway Configuration');
  await set.window.pickerRows(/ledger/);
  await set.window.press('Enter');
  await set.window.pick('Cursor');
  await set.window.notification(/copied .* for Cursor/);
  const entries: GatewayEntries = JSON.parse(await set.window.clipboard());
  await set.window.dismissNotifications();
  return entries;
}

async function diagnosis(set: PhotoSet): Promise<void> {
  await set.allReady();
  await set.choose('MCP: Diagnose Server');
  await set.window.pick('everything');
  await set.page
    .getByRole('tab', { name: /^Preview Diagnosis of everything|^Diagnosis of everything/ })
    .waitFor();
  await set.drawn('h1');
  await set.picture('diagnosis');
}

async function settingsPage(set: PhotoSet): Promise<void> {
  await set.choose('Preferences: Open Settings (UI)');
  const search = set.page.locator('.settings-editor .search-container .monaco-editor');
  await search.waitFor();
  await set.window.type('@ext:resilient-mcp.resilient-mcp');
  await set.page.locator('.setting-item-contents').filter({ hasText: 'Resilient' }).first().waitFor();
  await set.picture('settings');
  // It lies over the window, and keeps the keys to itself.
  await set.window.press('Escape');
  await search.waitFor({ state: 'hidden' });
}

async function german(set: PhotoSet): Promise<void> {
  await set.allReady();
  await set.speak('de');
  await set.status(/3 von 3 Servern verbunden/);
  await set.clickStatus();
  await set.window.pickerRows(/verbunden/);
  await set.picture('german');
  await set.window.press('Escape');
}

/** All of them, by name. The timeline comes first: it would show what the others do. A language, once chosen, stays. */
export const SCENES: Readonly<Record<string, Scene>> = {
  timeline,
  sessions,
  welcome,
  walkthrough,
  palette,
  ready,
  quickPick,
  simulation,
  healing,
  down,
  paused,
  diagnosis,
  settingsPage,
  german,
};
