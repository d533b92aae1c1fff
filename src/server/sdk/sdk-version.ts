import { readFileSync } from 'node:fs';
import { ResilientMcpError } from '../../protocol/errors.ts';

const SDK = '@modelcontextprotocol/sdk';
/**
 * The range that package.json names for its peer. 1.25.0 is the first with the Web-standard server transport; before
 * 1.30.0 it drops the answer to a request whose stream was lost, which `resumableStreams` has to find again.
 */
export const SDK_RANGE = '^1.30.0';

/**
 * Refuses a version of the SDK that this companion does not know. A version that cannot be learned, as in a bundle, is
 * accepted: whoever has made the bundle has chosen it.
 *
 * @throws ResilientMcpError `INVALID_CONFIGURATION`, which says what to install
 */
export function checkSdkVersion(version: string | undefined = installedSdkVersion()): void {
  if (version === undefined || isInRange(version)) return;
  throw new ResilientMcpError('INVALID_CONFIGURATION', `${SDK} ${version} is not supported.`, {
    advice: `Install one that is: npm install ${SDK}@${SDK_RANGE}`,
  });
}

/**
 * The version that our own imports get. The SDK exports no version, and its `exports` hide its package.json; so this
 * resolves one of its modules, as an import does, and looks for the package.json above it that bears its name.
 */
export function installedSdkVersion(): string | undefined {
  try {
    let folder = new URL('.', import.meta.resolve(`${SDK}/types.js`));
    for (let parent = folder; ; folder = parent) {
      const version = versionIn(folder);
      if (version !== undefined) return version;
      parent = new URL('..', folder);
      if (parent.href === folder.href) return undefined;
    }
  } catch {
    // Not a platform that resolves, or not files.
    return undefined;
  }
}

function versionIn(folder: URL): string | undefined {
  try {
    const { name, version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'));
    return name === SDK && typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}

/** Prereleases of the oldest version are older than it (semver, 11). */
function isInRange(version: string): boolean {
  const found = /^(\d+)\.(\d+)\.(\d+)(-)?/.exec(version);
  if (!found) return false;
  const [major, minor, patch] = found.slice(1, 4).map(Number);
  const [oldestMajor, oldestMinor, oldestPatch] = SDK_RANGE.slice(1).split('.').map(Number);
  if (major !== oldestMajor || minor === undefined || oldestMinor === undefined) return false;
  if (minor !== oldestMinor) return minor > oldestMinor;
  return patch === oldestPatch ? found[4] === undefined : Number(patch) > Number(oldestPatch);
}

checkSdkVersion();
