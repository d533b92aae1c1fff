import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { placeholder } from '../../config/import/examples.ts';
import { createProfile, type Profile } from '../../editor-host/profile.ts';
import { programPath } from '../../support/stdio/ledger.ts';
import type { RestrictedFiles } from './files.ts';

/** Says where it was started, then is the server of the ledger. */
const SAYS_WHERE = `require('fs').writeFileSync(process.env.STARTED, process.cwd()); import(process.env.PROGRAM)`;

/** What Node.js resolves from where it was started, as `npx` and `python -m` do. */
const FROM_WHERE_IT_STARTED = `require('some-server')`;

/** A folder of somebody's with a package that is named like a program of the user's; and the user's settings. */
export async function restrictedScene(): Promise<{ profile: Profile; files: RestrictedFiles }> {
  const folder = await mkdtemp(join(tmpdir(), 'restricted-'));
  const file = (name: string) => join(folder, name);
  const program = (name: string, script: string) => ({
    command: process.execPath,
    args: ['-e', script],
    env: { STARTED: file(name), PROGRAM: programPath, LEDGER: file('ledger') },
  });
  const profile = await createProfile(
    { 'resilientMcp.servers': { theirs: program('theirs', SAYS_WHERE) } },
    {
      'security.workspace.trust.enabled': true,
      'security.workspace.trust.startupPrompt': 'never',
      'security.workspace.trust.banner': 'never',
      'resilientMcp.servers': {
        own: program('own', SAYS_WHERE),
        tool: program('tool', FROM_WHERE_IT_STARTED),
        inFolder: { ...program('inFolder', SAYS_WHERE), cwd: placeholder('workspaceFolder') },
      },
    },
  );
  const { workspace } = profile;
  const foreign = join(workspace, 'node_modules', 'some-server');
  await mkdir(foreign, { recursive: true });
  await writeFile(join(foreign, 'index.js'), `require('fs').writeFileSync(process.env.STARTED, 'it ran')`);
  const [own, tool, inFolder, theirs] = [file('own'), file('tool'), file('inFolder'), file('theirs')];
  return { profile, files: { workspace, own, tool, inFolder, theirs } };
}
