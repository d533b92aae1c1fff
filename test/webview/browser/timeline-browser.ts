import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { webviewBundle } from '../../../scripts/webview-bundle.ts';
import type { NumberedFact } from '../../../src/hub/facts.ts';
import { timelineDocument } from '../../../src/vscode/views/timeline/timeline-document.ts';
import { TimelineFeed } from '../../../src/vscode/views/timeline/timeline-feed.ts';
import { timelineStrings } from '../../../src/vscode/views/timeline/timeline-strings.ts';
import type { ToPage } from '../../../src/webview/timeline/messages.ts';
import { findBrowser } from '../../editor-host/programs.ts';

/** What VS Code 1.139 sets in a webview under each of its themes, as far as the style sheet asks for it. */
const themes = new Map(
  Object.entries<Theme>(JSON.parse(readFileSync(join(import.meta.dirname, 'themes.json'), 'utf8'))),
);

interface Theme {
  readonly bodyClass: string;
  readonly properties: Readonly<Record<string, string>>;
}

export const THEMES = [...themes.keys()];

const NONCE = 'of-the-test';

export interface PageOptions {
  readonly theme?: string;
  readonly size?: { readonly width: number; readonly height: number };
  /** What the editor kept of an earlier page. */
  readonly kept?: unknown;
  readonly forcedColors?: boolean;
}

/** The built page of the timeline in a real browser, with a stand-in for the editor around it. */
export class TimelineBrowser implements AsyncDisposable {
  readonly #browser: Browser;
  readonly #server: Server;

  private constructor(browser: Browser, server: Server) {
    this.#browser = browser;
    this.#server = server;
  }

  static async open(): Promise<TimelineBrowser> {
    const executablePath = await findBrowser();
    const server = await serve();
    const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    const browser = await chromium.launch({ executablePath, headless: true, args });
    return new TimelineBrowser(browser, server);
  }

  /** An empty page, as it is before its first message. */
  async page({ theme = 'light', size, kept, forcedColors }: PageOptions = {}): Promise<TimelinePageDriver> {
    const context = await this.#browser.newContext({
      viewport: size ?? { width: 1100, height: 640 },
      locale: 'en-US',
      timezoneId: 'UTC',
      reducedMotion: 'reduce',
      forcedColors: forcedColors ? 'active' : 'none',
    });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    await page.addInitScript(standIn, { kept, ...themeOf(theme) });
    await page.goto(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => 'ready' in document.documentElement.dataset);
    return new TimelinePageDriver(page, context, problems);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** One page, and what a person does to it. */
export class TimelinePageDriver implements AsyncDisposable {
  readonly page: Page;
  /** What went wrong in it: errors, and what its policy has refused. */
  readonly problems: readonly string[];
  readonly #context: BrowserContext;
  readonly #feed = new TimelineFeed();

  constructor(page: Page, context: BrowserContext, problems: readonly string[]) {
    this.page = page;
    this.#context = context;
    this.problems = problems;
  }

  /** The first message. @param now the extension's clock. */
  async show(facts: readonly NumberedFact[], now: number): Promise<void> {
    await this.send(this.firstMessage(facts, now));
  }

  firstMessage(facts: readonly NumberedFact[], now: number): ToPage {
    const limits = { calls: 8000, others: 2000 };
    return {
      type: 'show',
      language: 'en',
      strings: timelineStrings(),
      limits,
      ...this.#feed.add(facts, now),
    };
  }

  async add(facts: readonly NumberedFact[], now: number): Promise<void> {
    await this.send({ type: 'add', ...this.#feed.add(facts, now) });
  }

  /** Resolves when what the message changes has been drawn. */
  async send(message: ToPage): Promise<void> {
    await this.page.evaluate(async (data) => {
      dispatchEvent(new MessageEvent('message', { data }));
      await (globalThis as unknown as InPage).untilPainted();
    }, message);
  }

  /** Resolves when all that was asked for has been drawn. */
  async drawn(): Promise<void> {
    await this.page.evaluate(() => (globalThis as unknown as InPage).untilPainted());
  }

  /** What the page has given to the editor to keep. */
  kept(): Promise<unknown> {
    return this.page.evaluate(() => JSON.parse(document.documentElement.dataset.kept ?? 'null'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
  }
}

function themeOf(name: string): Theme {
  const theme = themes.get(name);
  if (!theme) throw new RangeError(`there is no theme "${name}"`);
  return theme;
}

/** What is there for tests in each page, beside the page's own. */
export interface InPage {
  /** Resolves when what the next frame draws has been painted. */
  untilPainted(): Promise<void>;
}

interface StandIn extends Theme {
  readonly kept?: unknown;
}

/** Runs in the page before its own script: as much of the editor as the page meets. */
function standIn({ kept, bodyClass, properties }: StandIn): void {
  let state = kept;
  const inPage: InPage = {
    untilPainted: () =>
      new Promise((done) => {
        requestAnimationFrame(() => {
          // A task of its own: what was drawn in this frame has been painted before it.
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => done();
          port2.postMessage(undefined);
        });
      }),
  };
  Object.assign(globalThis, inPage, {
    acquireVsCodeApi: () => ({
      getState: () => state,
      setState: (next: unknown) => {
        state = next;
        document.documentElement.dataset.kept = JSON.stringify(next);
      },
      postMessage: ({ type }: { type: string }) => {
        document.documentElement.dataset[type] = '';
      },
    }),
  });
  document.addEventListener('readystatechange', () => {
    document.body?.setAttribute('class', bodyClass);
    for (const [name, value] of Object.entries(properties)) {
      document.documentElement.style.setProperty(name, value);
    }
    document.documentElement.style.setProperty('--vscode-font-family', 'sans-serif');
    document.documentElement.style.setProperty('--vscode-font-size', '13px');
  });
}

/** The built parts, under the policy that they have in the editor. */
async function serve(): Promise<Server> {
  const { outputFiles = [] } = await build({ ...webviewBundle, write: false, logLevel: 'warning' });
  const files = new Map(outputFiles.map(({ path, text }) => [path.replace(/^.*[\\/]/, '/'), text]));
  const types: Record<string, string> = { js: 'text/javascript', css: 'text/css' };
  const html = timelineDocument({
    title: 'MCP Session Timeline',
    language: 'en',
    script: '/timeline.js',
    style: '/timeline.css',
    source: "'self'",
    nonce: NONCE,
  });
  const server = createServer(({ url = '/' }, response) => {
    const text = url === '/' ? html : files.get(url);
    const type = types[url.replace(/^.*\./, '')] ?? 'text/html';
    response
      .writeHead(text === undefined ? 404 : 200, { 'content-type': `${type}; charset=utf-8` })
      .end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
