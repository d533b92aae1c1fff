import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { Deferred } from './deferred.ts';
import {
  type Development,
  type DevelopmentOptions,
  developmentOptions,
  injectDevelopmentOptions,
} from './development.ts';

/** How long each single wait for something in the window lasts, in ms. A busy machine takes half of it. */
const WAIT_LIMIT_MS = 60_000;
/** The first page load: the browser compiles the whole workbench. */
const LOAD_LIMIT_MS = 120_000;
/** How long a notification may take to appear beside what it tells of, in ms. */
const TOAST_LIMIT_MS = 3_000;
/** How long the palette has to find a command before it is opened again, in ms. */
const PALETTE_LIMIT_MS = 20_000;
/** How long the editor has to offer a completion before the text is typed again, in ms. */
const OFFER_LIMIT_MS = 10_000;
const WINDOW_SIZE = { width: 1200, height: 720 };
/** Device pixels per CSS pixel, so that pictures stay sharp on a dense screen. */
const PICTURE_SCALE = 2;

export interface WorkbenchOptions {
  /** Where the editor's server is. */
  readonly server: URL;
  /** The folder to open. */
  readonly folder: string;
  readonly development?: Development;
  /** See `DevelopmentOptions`. Default false. */
  readonly smokeTestDriver?: boolean;
  /** Receives what the window and the extension host write to their consoles. */
  readonly onLog?: (line: string) => void;
}

/** A status bar item as a person, or a screen reader, meets it. */
export interface StatusBarItem {
  readonly text: string;
  /** The accessible name. */
  readonly label: string;
  /** The background the item asks for, if it asks for one. */
  readonly background: 'none' | 'warning' | 'error';
}

export interface Tooltip {
  readonly text: string;
  /** The rows of the first table in it, each cell under the title of its column; none without a table. */
  readonly table: readonly Record<string, string>[];
}

/** The part of the window that a picture shows. */
export type PictureArea = 'window' | 'statusBar' | 'palette';

/** The tooltip that is open. */
const TOOLTIP = '.workbench-hover-container .monaco-hover';

/** A VS Code window in a headless browser: what a person sees of it and does to it. */
export class Workbench {
  readonly page: Page;
  readonly #browser: Browser;
  readonly #options: WorkbenchOptions;
  /** Resolves with the exit code of the test suite in the extension host. Rejects when the page breaks. */
  readonly testsEnded: Promise<number>;

  private constructor(browser: Browser, page: Page, options: WorkbenchOptions, testsEnded: Promise<number>) {
    this.#browser = browser;
    this.#options = options;
    this.page = page;
    this.testsEnded = testsEnded;
    this.testsEnded.catch(() => {}); // a window without tests has nobody who waits for it
  }

  /** Opens a window. @param executable a Chromium or Chrome. */
  static async open(executable: string, options: WorkbenchOptions): Promise<Workbench> {
    const browser = await launch(executable);
    try {
      const context = await browser.newContext({
        viewport: WINDOW_SIZE,
        deviceScaleFactor: PICTURE_SCALE,
        // Of the browser alone: a headless one has a clipboard of its own.
        permissions: ['clipboard-read', 'clipboard-write'],
      });
      await context.grantPermissions(['clipboard-read', 'clipboard-write'], {
        origin: options.server.origin,
      });
      const page = await context.newPage();
      page.setDefaultTimeout(WAIT_LIMIT_MS);
      const testsEnded = new Deferred<number>();
      await prepare(page, options, testsEnded);
      const workbench = new Workbench(browser, page, options, testsEnded.promise);
      await workbench.#load();
      return workbench;
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }

  /** Leaves the page, as a person closes its tab: the editor ends what belongs to the window. The browser stays. */
  async leave(): Promise<void> {
    await this.page.goto('about:blank');
  }

  /** Opens the window again that was left. What the browser has stored of it is there as before. */
  async enterAgain(): Promise<void> {
    await this.#load();
  }

  /** Presses a key or a chord, named as Playwright names it: `Enter`, `Control+Shift+P`. */
  async press(key: string): Promise<void> {
    await this.page.keyboard.press(key);
  }

  /** Types on the keyboard, into whatever has the focus. */
  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text);
  }

  /**
   * Opens the command palette and types into it.
   *
   * @returns the rows, once one of them holds the typed text.
   */
  async searchPalette(text: string): Promise<string[]> {
    const matching = new RegExp(escaped(text));
    for (let attempt = 1; ; attempt++) {
      await this.press('F1');
      await this.#pickerInput.waitFor({ state: 'visible' });
      await this.type(text);
      try {
        return await this.pickerRows(matching, PALETTE_LIMIT_MS);
      } catch (error) {
        // A part of the window that opens late takes the focus, and the palette closes.
        if (attempt * PALETTE_LIMIT_MS >= WAIT_LIMIT_MS) throw error;
        await this.press('Escape');
      }
    }
  }

  /** The rows of the open quick pick, each as its accessible name, once one of them matches. */
  async pickerRows(matching: RegExp, limitMs = WAIT_LIMIT_MS): Promise<string[]> {
    const rows = this.page.locator('.quick-input-widget .quick-input-list .monaco-list-row');
    await rows.filter({ hasText: matching }).first().waitFor({ state: 'visible', timeout: limitMs });
    const names = await Promise.all((await rows.all()).map((row) => row.getAttribute('aria-label')));
    return names.map((name) => name ?? '');
  }

  /** Checks, or unchecks, the row of an open quick pick in which several can be chosen. */
  async checkPickerRow(text: string): Promise<void> {
    const rows = this.page.locator('.quick-input-widget .quick-input-list .monaco-list-row');
    await rows.filter({ hasText: text }).first().click();
  }

  /** Types into the open quick pick until the row that Enter would take holds the text, and takes it. */
  async pick(text: string): Promise<void> {
    await this.pickerRows(new RegExp(escaped(text)));
    await this.type(text);
    const focused = this.page.locator('.quick-input-widget .quick-input-list .monaco-list-row.focused');
    await focused.filter({ hasText: text }).first().waitFor({ state: 'visible' });
    await this.press('Enter');
  }

  /** Types into a quick input that is about to open: what is typed before it has the focus goes elsewhere. */
  async typeInPicker(text: string): Promise<void> {
    await this.#pickerInput.waitFor({ state: 'visible' });
    await this.#pickerInput.fill(text);
  }

  /** Waits until no quick pick is open. */
  async pickerClosed(): Promise<void> {
    await this.#pickerInput.waitFor({ state: 'hidden' });
  }

  /**
   * Waits until a status bar item has an accessible name that matches.
   *
   * @param id `<publisher>.<extension>.<item id>`.
   */
  async statusBarItem(id: string, label: RegExp): Promise<StatusBarItem> {
    const search = { id, source: label.source, flags: label.flags };
    try {
      await this.page.waitForFunction(statusBarItemMatches, search, { timeout: WAIT_LIMIT_MS });
    } catch (cause) {
      const now = await this.page.evaluate(readStatusBarItem, id);
      const found = now === null ? 'there is no such item' : JSON.stringify(now);
      throw new Error(`Waited for ${label} at status bar item ${id}; ${found}`, { cause });
    }
    const item = await this.page.evaluate(readStatusBarItem, id);
    if (item === null) throw new Error(`Status bar item ${id} was shown and is gone`);
    return item;
  }

  /** Waits until the status bar item is not shown. */
  async statusBarItemHidden(id: string): Promise<void> {
    await this.#item(id).waitFor({ state: 'hidden' });
  }

  /** Clicks a status bar item. */
  async clickStatusBarItem(id: string): Promise<void> {
    await this.#item(id).click();
  }

  /** Points at a status bar item. Returns what the tooltip that opens says. */
  async hoverStatusBarItem(id: string): Promise<Tooltip> {
    await this.#item(id).hover();
    const tooltip = this.page.locator(TOOLTIP).last();
    await tooltip.waitFor({ state: 'visible' });
    // It fades in, which no option of a screenshot stops: its picture would be pale. And it is another element when
    // its text has changed, so it is looked for each time.
    await this.page.waitForFunction(isLastOpaque, TOOLTIP);
    return { text: await textOf(tooltip), table: await tooltip.evaluate(readTable) };
  }

  /** Takes the pointer off whatever it points at, and waits until no tooltip is open. */
  async pointAway(): Promise<void> {
    await this.page.mouse.move(WINDOW_SIZE.width / 2, WINDOW_SIZE.height / 3);
    await this.page.locator(TOOLTIP).last().waitFor({ state: 'hidden' });
  }

  /** Waits for a notification that matches. Returns its whole text. */
  async notification(text: RegExp): Promise<string> {
    const toast = this.#toast(text);
    await toast.waitFor({ state: 'visible' });
    return textOf(toast);
  }

  /** Waits for a notification that matches, and clicks one of its buttons. */
  async clickInNotification(text: RegExp, button: string): Promise<void> {
    await this.#toast(text).locator('.monaco-button').filter({ hasText: button }).click();
  }

  /** Types into the input of the open chat, in place of what stands there, until the editor offers to complete it. */
  async typeInChat(text: string): Promise<void> {
    const offer = this.page.locator('.suggest-widget .monaco-list-row').filter({ hasText: text }).first();
    for (let attempt = 1; ; attempt++) {
      await this.#chatInput.click();
      await this.press('Control+A');
      await this.press('Delete');
      await this.type(text);
      try {
        return await offer.waitFor({ state: 'visible', timeout: OFFER_LIMIT_MS });
      } catch (error) {
        // A chat that has just been opened loses what is typed before it is ready.
        if (attempt * OFFER_LIMIT_MS >= WAIT_LIMIT_MS) throw error;
      }
    }
  }

  /**
   * Takes the completion that the chat offers, the command of an MCP prompt. Returns what the input holds once the
   * command has given way to the prompt, which may be nothing; rejects with the notification that says why it could not.
   */
  async takePrompt(): Promise<string> {
    await this.press('Enter');
    await this.page.waitForFunction(chatCommandIsGone);
    const text = await textOf(this.#chatInput.locator('.view-lines'));
    if (text !== '') return text;
    const toast = this.page.locator('.notification-toast').first();
    const isTold = await toast.waitFor({ state: 'visible', timeout: TOAST_LIMIT_MS }).then(
      () => true,
      () => false,
    );
    if (!isTold) return text;
    throw new Error(await textOf(toast));
  }

  /** Clears all notifications away and waits until none is shown. */
  async dismissNotifications(): Promise<void> {
    await this.searchPalette('Notifications: Clear All Notifications');
    await this.press('Enter');
    await this.page.locator('.notification-toast').first().waitFor({ state: 'hidden' });
  }

  /** The text on the clipboard. */
  async clipboard(): Promise<string> {
    return this.page.evaluate(() => navigator.clipboard.readText());
  }

  /** The rows of the trees in the window, each as its accessible name, once one of them matches. */
  async treeRows(matching: RegExp): Promise<string[]> {
    await this.#treeRow(matching).waitFor();
    const names = await Promise.all(
      (await this.#treeRows.all()).map((row) => row.getAttribute('aria-label')),
    );
    return names.map((name) => name ?? '');
  }

  /** Points at a row of a tree, which shows what can be done with it. */
  async hoverTreeRow(matching: RegExp): Promise<void> {
    await this.#treeRow(matching).hover();
  }

  /** Clicks a row of a tree. */
  async clickTreeRow(matching: RegExp): Promise<void> {
    await this.#treeRow(matching).click();
  }

  /** Clicks the first button of exactly this name, wherever it stands in the window. */
  async clickButton(name: string): Promise<void> {
    await this.page.getByRole('button', { name, exact: true }).first().click();
  }

  /** Writes a PNG. */
  async picture(file: string, area: PictureArea = 'window'): Promise<void> {
    await mkdir(dirname(file), { recursive: true });
    const target = { window: undefined, statusBar: '.part.statusbar', palette: '.quick-input-widget' }[area];
    const options = { path: file, animations: 'disabled' } as const;
    await (target === undefined ? this.page : this.page.locator(target)).screenshot(options);
  }

  get #chatInput(): Locator {
    return this.page.locator('.interactive-input-part .monaco-editor').first();
  }

  get #treeRows(): Locator {
    return this.page.getByRole('treeitem');
  }

  #treeRow(matching: RegExp): Locator {
    return this.page.getByRole('treeitem', { name: matching }).first();
  }

  get #pickerInput(): Locator {
    return this.page.locator('.quick-input-widget input[type=text]').first();
  }

  #toast(text: RegExp): Locator {
    return this.page.locator('.notification-toast').filter({ hasText: text }).first();
  }

  #item(id: string): Locator {
    return this.page.locator(`.statusbar-item[id=${JSON.stringify(id)}]`);
  }

  async #load(): Promise<void> {
    const url = new URL(this.#options.server);
    url.searchParams.set('folder', this.#options.folder);
    const response = await this.page.goto(url.href, {
      waitUntil: 'domcontentloaded',
      timeout: LOAD_LIMIT_MS,
    });
    // The server answers its health check even when the editor inside it cannot load; only this page tells.
    if (response === null || !response.ok()) {
      const text = await textOf(this.page.locator('body'));
      throw new Error(`The workbench page answered ${response?.status()}: ${text.slice(0, 500)}`);
    }
    await this.page.locator('.part.statusbar').waitFor({ state: 'visible', timeout: LOAD_LIMIT_MS });
  }
}

function launch(executablePath: string): Promise<Browser> {
  const quiet = ['--disable-background-networking', '--disable-component-update', '--no-first-run'];
  // The sandbox cannot be had by root. The pages are our own, from 127.0.0.1.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({
    executablePath,
    headless: true,
    args: [...quiet, ...sandbox],
    // Playwright would take these signals for itself and keep our process alive.
    handleSIGHUP: false,
    handleSIGINT: false,
    handleSIGTERM: false,
  });
}

/** Puts the hooks into the page that the workbench looks for. They must be there before the first navigation. */
async function prepare(page: Page, options: WorkbenchOptions, ended: Deferred<number>): Promise<void> {
  page.on('crash', () => ended.reject(new Error('The browser page crashed')));
  page.on('pageerror', (error) => options.onLog?.(`page error: ${error.message}`));
  await page.exposeFunction('codeAutomationLog', (_level: string, parts: unknown[]) =>
    options.onLog?.(parts.map(String).join(' ')),
  );
  await page.exposeFunction('codeAutomationExit', (code: unknown) =>
    ended.resolve(typeof code === 'number' ? code : 1),
  );
  const wanted: DevelopmentOptions = {
    ...(options.development && developmentOptions(options.development, options.server)),
    ...(options.smokeTestDriver && { enableSmokeTestDriver: true }),
  };
  if (Object.keys(wanted).length > 0) await page.addInitScript(injectDevelopmentOptions, wanted);
}

/** The text as it is laid out, on one line: the words of two cells or lines do not run together. */
async function textOf(element: Locator): Promise<string> {
  const texts = await element.allInnerTexts();
  return texts.join(' ').replace(/\s+/g, ' ').trim();
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Runs in the page. */
function readStatusBarItem(id: string): StatusBarItem | null {
  const element = document.getElementById(id);
  if (element === null || element.offsetParent === null) return null;
  const button = element.querySelector('[aria-label]') ?? element;
  const asked = ['warning', 'error'].find((kind) => element.classList.contains(`${kind}-kind`));
  return {
    text: element.textContent.trim(),
    label: button.getAttribute('aria-label') ?? '',
    background: (asked ?? 'none') as StatusBarItem['background'],
  };
}

/** Runs in the page, at each of its frames until it is true. */
function statusBarItemMatches(search: { id: string; source: string; flags: string }): boolean {
  const label = document.getElementById(search.id)?.querySelector('[aria-label]')?.getAttribute('aria-label');
  return typeof label === 'string' && new RegExp(search.source, search.flags).test(label);
}

/** Runs in the page. */
function chatCommandIsGone(): boolean {
  const lines = document.querySelector('.interactive-input-part .monaco-editor .view-lines');
  const text = lines?.textContent?.trim() ?? '/';
  return !text.startsWith('/') && lines?.querySelector('.chat-prompt-spinner') === null;
}

/** Runs in the page. */
function isLastOpaque(selector: string): boolean {
  const element = [...document.querySelectorAll(selector)].at(-1);
  for (let each: Element | null | undefined = element; each; each = each.parentElement) {
    if (getComputedStyle(each).opacity !== '1') return false;
  }
  return element !== undefined;
}

/** Runs in the page. */
function readTable(element: Element): Record<string, string>[] {
  const cellsOf = (row: Element): string[] =>
    [...row.querySelectorAll('th, td')].map((cell) => cell.textContent.trim());
  const [titles = [], ...rows] = [...element.querySelectorAll('table:first-of-type tr')].map(cellsOf);
  return rows.map((cells) => Object.fromEntries(titles.map((title, n) => [title, cells[n] ?? ''])));
}
