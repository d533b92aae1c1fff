import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { MissingPartError } from './missing-part.ts';
import { ProcessGroup } from './process-group.ts';

const APT_LIMIT_MS = 5 * 60_000;

const BROWSER_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const BROWSER_PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** A Chromium or Chrome: `RESILIENT_MCP_BROWSER`, else one of this machine, else Debian's package when we are root. */
export async function ensureBrowser(say: (line: string) => void): Promise<string> {
  const chosen = process.env.RESILIENT_MCP_BROWSER;
  if (chosen !== undefined) {
    if (await isExecutable(chosen)) return chosen;
    throw new MissingPartError(
      `the browser ${chosen}`,
      'RESILIENT_MCP_BROWSER names it, but it cannot be run.',
    );
  }
  const found = await findBrowser();
  if (found !== undefined) return found;
  await installPackages(['chromium'], say);
  const installed = await findBrowser();
  if (installed !== undefined) return installed;
  throw new MissingPartError('chromium', 'apt-get ran, yet no browser is on the PATH.');
}

/** The compiler, make and python3 that node-gyp needs; from Debian's packages when they are missing and we are root. */
export async function ensureToolchain(say: (line: string) => void): Promise<void> {
  const missing: string[] = [];
  for (const program of ['g++', 'make', 'python3']) {
    if ((await onPath(program)) === undefined) missing.push(program);
  }
  if (missing.length > 0) await installPackages(missing, say);
}

/** The full path of a program on the PATH, or undefined. */
export async function onPath(program: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const candidate = join(folder, program);
    if (folder !== '' && (await isExecutable(candidate))) return candidate;
  }
  return undefined;
}

async function findBrowser(): Promise<string | undefined> {
  for (const name of BROWSER_NAMES) {
    const found = await onPath(name);
    if (found !== undefined) return found;
  }
  for (const place of BROWSER_PLACES) {
    if (await isExecutable(place)) return place;
  }
  return undefined;
}

async function installPackages(packages: readonly string[], say: (line: string) => void): Promise<void> {
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  const apt = await onPath('apt-get');
  if (apt === undefined || process.getuid?.() !== 0) {
    throw new MissingPartError(
      packages.join(', '),
      `It is not on the PATH. On Debian or Ubuntu: sudo ${command}`,
    );
  }
  say(`installing ${packages.join(', ')} with apt-get`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await new ProcessGroup(apt, ['update', '-qq'], { env }).succeeded(APT_LIMIT_MS);
    const args = ['install', '-y', '-qq', '--no-install-recommends', ...packages];
    await new ProcessGroup(apt, args, { env }).succeeded(APT_LIMIT_MS);
  } catch (cause) {
    throw new MissingPartError(packages.join(', '), `This failed: ${command}`, { cause });
  }
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
