import { readFileSync } from 'node:fs';
import { ResilientMcpError } from '../../protocol/errors.ts';

const SDK = '@modelcontextprotocol/sdk';
/**
 * The peer dependency range of package.json. 1.25.0 is the first version with the Web-standard server
 * transport. Before 1.30.0 it drops the answer to a request whose stream was lost, which `resumableStreams`
 * needs.
 */
export const SDK_RANGE = '^1.30.0';

/**
 * Refuses an unsupported version of the SDK. An unknown version, as in a bundle, is accepted: the bundle's
 * author chose it.
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
 * The version that our own imports get. The SDK exports no version, and its `exports` hide its package.json.
 * So this resolves one of its modules as an import does, and finds the package.json above it with its name.
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
    // The platform cannot resolve modules, or they are not files.
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

/** Prereleases of the minimum version are older than it (semver, 11). */
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
