import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import type { SupervisedServer } from '../../../harness/supervised-server.ts';
import type { Profile } from '../../editor-host/profile.ts';
import type { StatusBarItem, Workbench } from '../../editor-host/workbench.ts';

/** The status bar item of the extension, as the page names it. */
const ITEM = 'resilient-mcp.resilient-mcp.resilientMcp.sessions';
/** What is left free around the parts that a picture shows, in pixels of the page. */
const MARGIN = 8;
/** How much of the status bar a picture of it shows, in pixels of the page. */
const BAR_WIDTH = 460;
/** How often a picture of the tooltip is taken before that is given up. */
const HOVER_ATTEMPTS = 5;
/** How long the editor has to draw what is loaded into a page of its own, in ms. */
const DRAWN_LIMIT_MS = 60_000;

/** The themes of the editor, by what a picture is called that shows one. */
export const THEMES = {
  light: { name: 'Light 2026', mark: 'vs' },
  dark: { name: 'Dark 2026', mark: 'vs-dark' },
  'high-contrast': { name: 'Default High Contrast', mark: 'hc-black' },
} as const;

export type Theme = keyof typeof THEMES;
export type ServerName = 'everything' | 'ledger' | 'notes';

export interface PhotoSetParts {
  readonly window: Workbench;
  readonly profile: Profile;
  readonly servers: Readonly<Record<ServerName, SupervisedServer>>;
  /** The folder for the pictures. */
  readonly folder: string;
}

/** A real window with real servers, and what the scenes do to them: configure, look, and take pictures. */
export class PhotoSet {
  readonly window: Workbench;
  readonly servers: PhotoSetParts['servers'];
  readonly #profile: Profile;
  readonly #folder: string;
  readonly #size: { width: number; height: number };
  #settings: Record<string, unknown> = {};

  constructor({ window, profile, servers, folder }: PhotoSetParts) {
    this.window = window;
    this.servers = servers;
    this.#profile = profile;
    this.#folder = folder;
    this.#size = window.page.viewportSize() ?? { width: 1200, height: 720 };
  }

  get page(): Page {
    return this.window.page;
  }

  /** The entries of the setting for all servers of the set. */
  get entries(): Record<ServerName, { url: string }> {
    const { everything, ledger, notes } = this.servers;
    return { everything: { url: everything.url }, ledger: { url: ledger.url }, notes: { url: notes.url } };
  }

  /** Writes the servers into the settings of the workspace, as a person would by hand. */
  async configure(servers: Readonly<Record<string, object>>): Promise<void> {
    await this.#set({ 'resilientMcp.servers': servers });
  }

  /** Configures all servers of the set, and waits until they are connected. */
  async allReady(): Promise<void> {
    await this.configure(this.entries);
    await this.status(/3 of 3 servers connected/);
  }

  /** Shows the window in a theme. */
  async wear(theme: Theme): Promise<void> {
    const { name, mark } = THEMES[theme];
    await this.#set({ 'workbench.colorTheme': name });
    await this.page.locator(`.monaco-workbench.${mark}`).waitFor();
  }

  /** Opens the window again in another language. The editor's own words stay English, without a pack of its language. */
  async speak(language: string): Promise<void> {
    await this.page.addInitScript(
      (spoken) => Reflect.set(globalThis, '_VSCODE_NLS_LANGUAGE', spoken),
      language,
    );
    await this.page.reload();
    await this.page.locator('.part.statusbar').waitFor();
  }

  /** Waits until the status bar says so. */
  status(label: RegExp): Promise<StatusBarItem> {
    return this.window.statusBarItem(ITEM, label);
  }

  /** Clicks the status bar item. */
  async clickStatus(): Promise<void> {
    await this.page.locator(`.statusbar-item[id="${ITEM}"]`).click();
  }

  /** Chooses a command in the palette. */
  async choose(command: string): Promise<void> {
    await this.window.searchPalette(command);
    await this.window.press('Enter');
  }

  /** Makes the window so many pixels high, for what would be cut off in it; `tidy` takes that back. */
  async grow(height: number): Promise<void> {
    await this.page.setViewportSize({ ...this.#size, height });
  }

  /** Starts servers that a scene has left dead, and closes what is open in the window. */
  async tidy(): Promise<void> {
    for (const server of Object.values(this.servers)) if (!server.running) await server.start();
    await this.page.setViewportSize(this.#size);
    await this.choose('View: Close All Editors');
    await this.window.pickerClosed();
    // Their commands are called otherwise, or are not offered, when there is nothing to hide.
    if (await this.page.locator('.part.panel').isVisible()) await this.window.press('Control+J');
    if (await this.page.locator('.part.sidebar').isVisible()) await this.window.press('Control+B');
    await this.window.dismissNotifications();
  }

  /** Opens the view of sessions in the panel. */
  async showSessions(): Promise<void> {
    await this.choose('Focus on MCP Sessions View');
    await this.window.pickerClosed();
  }

  /** Takes a picture of the beginning of the status bar, and one of the tooltip above it. */
  async pictureOfStatus(name: string): Promise<void> {
    const bar = await boxOf(this.page.locator('.part.statusbar'));
    await this.#shoot(name, { ...bar, width: BAR_WIDTH });
    const hover = this.page.locator('.workbench-hover-container .monaco-hover').last();
    // The editor draws it anew whenever its text changes: a picture may miss it.
    for (let attempt = 1; attempt <= HOVER_ATTEMPTS; attempt++) {
      await this.window.hoverStatusBarItem(ITEM);
      const clip = around([{ ...bar, width: BAR_WIDTH }, await boxOf(hover)]);
      const before = await hover.elementHandle();
      await this.#shoot(`${name}-tooltip`, clip);
      const isThere = await before?.isVisible();
      await this.window.pointAway();
      if (isThere) return;
    }
    throw new Error(`The tooltip of ${name} was gone whenever its picture was taken`);
  }

  /** Takes a picture of the window, or of parts of it with a margin. */
  async picture(name: string, ...parts: readonly Locator[]): Promise<void> {
    await this.#shoot(name, parts.length === 0 ? undefined : around(await Promise.all(parts.map(boxOf))));
  }

  /** Waits until a page inside the window, such as a preview, shows something. */
  async drawn(selector: string): Promise<void> {
    const inner = this.page.frameLocator('iframe.webview:visible').last().frameLocator('iframe#active-frame');
    await inner.locator(selector).first().waitFor({ timeout: DRAWN_LIMIT_MS });
  }

  async #set(changed: Readonly<Record<string, unknown>>): Promise<void> {
    this.#settings = { ...this.#settings, ...changed };
    const file = join(this.#profile.workspace, '.vscode/settings.json');
    await writeFile(file, `${JSON.stringify(this.#settings, undefined, 2)}\n`);
  }

  async #shoot(name: string, clip: Box | undefined): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const path = join(this.#folder, `${name}.png`);
    await this.page.screenshot({ path, animations: 'disabled', caret: 'hide', ...(clip && { clip }) });
    console.log(`  ${name}.png`);
  }
}

/** Adds to the settings of the user, which the window reads when it opens. */
export async function addUserSettings(
  profile: Profile,
  added: Readonly<Record<string, unknown>>,
): Promise<void> {
  const file = join(profile.userData, 'User/settings.json');
  const settings: Record<string, unknown> = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, `${JSON.stringify({ ...settings, ...added }, undefined, 2)}\n`);
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

async function boxOf(part: Locator): Promise<Box> {
  const box = await part.boundingBox();
  if (!box) throw new Error(`${part} is not shown`);
  return box;
}

/** The smallest box that holds them all, with a margin, as far as the window reaches at its left and top. */
function around(boxes: readonly Box[]): Box {
  const left = Math.max(0, Math.min(...boxes.map(({ x }) => x)) - MARGIN);
  const top = Math.max(0, Math.min(...boxes.map(({ y }) => y)) - MARGIN);
  const right = Math.max(...boxes.map(({ x, width }) => x + width)) + MARGIN;
  const bottom = Math.max(...boxes.map(({ y, height }) => y + height));
  return { x: left, y: top, width: right - left, height: bottom - top };
}
