import { MissingPartError } from '../editor-host/missing-part.ts';
import { ProcessGroup } from '../editor-host/process-group.ts';
import { onPath } from '../editor-host/programs.ts';

const APT_LIMIT_MS = 5 * 60_000;

/**
 * Installs packages of Debian and its kin, when we are root there.
 * @throws MissingPartError that says what a person has to do, or what failed
 */
export async function installPackages(
  packages: readonly string[],
  say: (line: string) => void,
): Promise<void> {
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  const apt = await onPath('apt-get');
  if (apt === undefined || process.getuid?.() !== 0) {
    throw new MissingPartError(
      packages.join(', '),
      `It is not on the PATH. On Debian or Ubuntu: sudo ${command}`,
    );
  }
  say(`installing ${packages.join(', ')} with apt-get`);
  // Another run of ours, or the machine's own upgrades, may hold its lock for a while.
  const patiently = ['-o', 'DPkg::Lock::Timeout=300', '-qq'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await new ProcessGroup(apt, ['update', ...patiently], { env }).succeeded(APT_LIMIT_MS);
    const args = ['install', '-y', ...patiently, '--no-install-recommends', ...packages];
    await new ProcessGroup(apt, args, { env }).succeeded(2 * APT_LIMIT_MS);
  } catch (cause) {
    throw new MissingPartError(packages.join(', '), `This failed: ${command}`, { cause });
  }
}

/** Those of the programs that are not on the PATH. */
export async function missingOf(programs: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const program of programs) if ((await onPath(program)) === undefined) missing.push(program);
  return missing;
}
