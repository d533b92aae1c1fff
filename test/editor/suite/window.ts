import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { type Caller, callerOf } from '../../editor-host/calls.ts';
import { WINDOW_VARIABLE, type WindowCalls } from '../../editor-host/window-calls.ts';
import { stage } from './stage.ts';

const address = process.env[WINDOW_VARIABLE];
const window = address === undefined ? undefined : callerOf<WindowCalls>(address);

/** The status bar item of the extension, as the page names it. */
const ITEM = 'resilient-mcp.resilient-mcp.resilientMcp.sessions';

/** Looks at the window as a person would. A desktop window cannot be looked at from here, and the run says so. */
export async function look(
  what: string,
  at: (window: Caller<WindowCalls>) => Promise<unknown>,
): Promise<void> {
  if (window === undefined) return say(`not looked at in a desktop window: ${what}`);
  try {
    await at(window);
  } catch (error) {
    await window('picture', { name: `failed-${what.replaceAll(/[^a-z]+/gi, '-')}` });
    throw error;
  }
}

/** Waits until the status bar item's accessible name matches, then takes pictures of the bar and of the window. */
export async function lookAtStatusBar(
  label: RegExp,
  picture: string,
  background: 'none' | 'warning' = 'none',
): Promise<void> {
  await look(`the status bar, ${picture}`, async (call) => {
    const item = await call('statusBarItem', { id: ITEM, label: label.source });
    assert.equal(item.background, background);
    await call('picture', { name: `${picture}-bar`, area: 'statusBar' });
    await call('picture', { name: picture });
  });
}

/** Opens the tooltip of the status bar item, takes a picture, and hands the table in it on, a record for each row. */
export async function lookAtTooltip(
  picture: string,
  check: (rows: readonly Record<string, string>[]) => void,
): Promise<void> {
  await look(`the tooltip, ${picture}`, async (call) => {
    const { table } = await call('hoverStatusBarItem', { id: ITEM });
    await call('picture', { name: picture });
    await call('pointAway', null);
    check(table);
  });
}

/** Waits until the item is not in the status bar. */
export async function lookForNoItem(): Promise<void> {
  await look('that the status bar item is hidden', (call) => call('statusBarItemHidden', { id: ITEM }));
}

/** Clicks the status bar item. */
export async function clickIndicator(): Promise<void> {
  await look('a click on the status bar item', (call) => call('clickStatusBarItem', { id: ITEM }));
}

/** Chooses a command as a person would, by typing its title; where nobody can type, it is executed by its id. */
export async function chooseCommand(title: string, id: string, picture: string): Promise<void> {
  if (window === undefined) {
    await say(`not typed into the palette of a desktop window, but executed: ${id}`);
    await vscode.commands.executeCommand(id);
    return;
  }
  await window('searchPalette', { text: title });
  await window('picture', { name: picture });
  await window('picture', { name: `${picture}-list`, area: 'palette' });
  await window('press', { key: 'Enter' });
  await window('pickerClosed', null);
}

async function say(text: string): Promise<void> {
  await stage('print', { line: `      (${text})` });
}
