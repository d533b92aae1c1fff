// Finds what the tests need beside the packages of npm, and installs what is missing, as far as that can be done here:
//
//   npm run set-up                       redis, browser and editor
//   node test/set-up/main.ts browser     these parts alone
//
//   redis        redis-server, from Debian's packages
//   browser      Chromium or Chrome; from Debian's packages
//   editor       a desktop VS Code where it can be downloaded and shown, else the editor host of test/editor-host
//   agent-host   the editor host, with what the default agent of VS Code needs
//
// Each part takes milliseconds when it is there. What can't be had is named with the reason, and the tests that need it
// are skipped: they only look.
import { appendFileSync } from 'node:fs';
import { findDesktop } from '../editor/desktop.ts';
import { findBrowser } from '../editor-host/programs.ts';
import { installPackages, missingOf } from './debian-packages.ts';
import { buildNativeModule, ensureEditorHost } from './editor-host.ts';

type Say = (line: string) => void;

const REDIS = 'redis-server';
/** Without it the Agent Host of VS Code keeps no session. */
const SQLITE = '@vscode/sqlite3';

const parts = {
  async redis(say: Say): Promise<string> {
    if ((await missingOf([REDIS])).length > 0) await installPackages([REDIS], say);
    return REDIS;
  },
  async browser(say: Say): Promise<string> {
    // One that the user has chosen is not ours to replace.
    const isChosen = process.env.RESILIENT_MCP_BROWSER !== undefined;
    const found = await findBrowser().catch((error) => (isChosen ? Promise.reject(error) : undefined));
    if (found !== undefined) return found;
    await installPackages(['chromium'], say);
    return findBrowser();
  },
  async editor(say: Say): Promise<string> {
    const desktop = await findDesktop();
    if ('executable' in desktop) return `desktop VS Code, ${desktop.executable}`;
    return (await ensureEditorHost(say)).root;
  },
  async 'agent-host'(say: Say): Promise<string> {
    const host = await ensureEditorHost(say);
    await buildNativeModule(host, SQLITE, say);
    return host.root;
  },
};

type Part = keyof typeof parts;

function isPart(name: string): name is Part {
  return Object.hasOwn(parts, name);
}

/** Whether it is there now. Says where, or why not. */
async function setUp(part: Part): Promise<boolean> {
  try {
    console.log(`Set-up: ${part} is here: ${await parts[part]((line) => console.log(`Set-up: ${line}`))}`);
    return true;
  } catch (error) {
    // Also for reasons that nobody has thought of, such as a registry that does not answer: the other tests can run.
    const { message, cause } = error instanceof Error ? error : new Error(String(error));
    const why = cause instanceof Error ? `${message}\n${cause.message}` : message;
    console.log(`Set-up: ${part} is missing, and the tests that need it are skipped. ${why}`);
    return false;
  }
}

const given = process.argv.slice(2);
const unknown = given.filter((name) => !isPart(name));
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(', ')}. The parts are ${Object.keys(parts).join(', ')}.`);
  process.exit(2);
}
const wanted: readonly Part[] = given.length > 0 ? given.filter(isPart) : ['redis', 'browser', 'editor'];
const figures = { passed: 0, failed: 0, skipped: 0 };
for (const part of wanted) figures[(await setUp(part)) ? 'passed' : 'skipped']++;
const { TEST_FIGURES, npm_lifecycle_event } = process.env;
// In front of tests it is no part of their figures.
if (TEST_FIGURES && npm_lifecycle_event === 'set-up') {
  appendFileSync(TEST_FIGURES, `${JSON.stringify(figures)}\n`);
}
