import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { MissingPartError } from './missing-part.ts';

const BROWSER_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const BROWSER_PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/**
 * A Chromium or Chrome: `RESILIENT_MCP_BROWSER`, else one of this machine.
 * @throws MissingPartError when there is none: `npm run set-up` installs one where it can
 */
export async function findBrowser(): Promise<string> {
  const chosen = process.env.RESILIENT_MCP_BROWSER;
  if (chosen !== undefined) {
    if (await isExecutable(chosen)) return chosen;
    const remedy = 'RESILIENT_MCP_BROWSER names it, but it cannot be run.';
    throw new MissingPartError(`the browser ${chosen}`, remedy);
  }
  for (const name of BROWSER_NAMES) {
    const found = await onPath(name);
    if (found !== undefined) return found;
  }
  for (const place of BROWSER_PLACES) {
    if (await isExecutable(place)) return place;
  }
  throw new MissingPartError('chromium', 'It is not on the PATH. To install it: npm run set-up');
}

/** The full path of a program on the PATH, or undefined. */
export async function onPath(program: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const candidate = join(folder, program);
    if (folder !== '' && (await isExecutable(candidate))) return candidate;
  }
  return undefined;
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
