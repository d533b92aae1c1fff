// Opens a VS Code with the extension and the demonstration servers:
//
//   npm run editor                     in your browser, at a free port of this machine
//   npm run editor -- --port 8080      at this port
//   npm run editor -- --password       asks for a password, where others use this machine too
//   npm run editor -- --desktop        in the desktop VS Code whose `code` is on the PATH
//
// Ctrl-C ends all of it. A server's name and Enter kills that server with SIGKILL and starts it again.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { freePort } from '../../harness/free-port.ts';
import { everythingServer, ledgerServer } from '../../harness/programs.ts';
import { SupervisedServer } from '../../harness/supervised-server.ts';
import { findEditorHost } from '../editor-host/host.ts';
import { MissingPartError } from '../editor-host/missing-part.ts';
import { ProcessGroup } from '../editor-host/process-group.ts';
import { createProfile, type Profile, useScratchFolder } from '../editor-host/profile.ts';
import { onPath } from '../editor-host/programs.ts';
import { runEditorCommand, startEditorServer } from '../editor-host/server.ts';
import { packExtension } from './pack.ts';
import { whenToldToEnd } from './run-ends.ts';

const root = join(import.meta.dirname, '../..');

function readOptions(): { port: number; password: boolean; desktop: boolean } {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: '0' },
        password: { type: 'boolean', default: false },
        desktop: { type: 'boolean', default: false },
      },
    });
    if (!/^\d{1,5}$/.test(values.port)) throw new Error(`--port ${values.port} is not a port number`);
    return { ...values, port: Number(values.port) };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error('Usage: npm run editor -- [--port <number>] [--password] [--desktop]');
    process.exit(2);
  }
}

const options = readOptions();

/** Starts the demonstration servers. */
async function startServers(folder: string): Promise<SupervisedServer[]> {
  const everything = await SupervisedServer.start(everythingServer(await freePort()));
  const port = await freePort();
  const ledger = await SupervisedServer.start(ledgerServer({ port, file: join(folder, 'ledger.txt') }));
  return [everything, ledger];
}

/** Resolves when the window has been closed. */
async function openDesktop(profile: Profile): Promise<void> {
  const code = await onPath('code');
  if (code === undefined) {
    throw new MissingPartError(
      '`code` on the PATH',
      'In VS Code: "Shell Command: Install \'code\' command in PATH".',
    );
  }
  await new ProcessGroup(process.execPath, ['esbuild.mjs'], { cwd: root }).succeeded(120_000);
  const window = new ProcessGroup(code, [
    '--wait',
    '--new-window',
    `--extensionDevelopmentPath=${root}`,
    `--user-data-dir=${profile.userData}`,
    `--extensions-dir=${profile.extensions}`,
    profile.workspace,
  ]);
  console.log('The window is opening. The servers end when it is closed.');
  await window.ended;
}

/** Resolves when the editor's server has ended. */
async function openInBrowser(profile: Profile): Promise<void> {
  const host = await findEditorHost();
  const vsix = join(profile.userData, 'resilient-mcp.vsix');
  await packExtension(root, vsix);
  await runEditorCommand(host, profile, ['--install-extension', vsix]);
  const password = options.password ? randomBytes(12).toString('base64url') : undefined;
  const { port } = options;
  const server = await startEditorServer(host, { ...profile, port, ...(password && { password }) });
  const url = new URL(server.url);
  url.searchParams.set('folder', profile.workspace);
  console.log(`\nOpen ${url.href}`);
  console.log(
    password ? `The password is ${password}` : 'Only this machine can open it, but anyone on it can.',
  );
  if ((await onPath('code')) !== undefined) {
    console.log('There is a desktop VS Code here, too: npm run editor -- --desktop');
  }
  const code = await server.group.ended;
  throw new Error(`The editor's server ended with code ${code}. Its last output:\n${server.group.tail}`);
}

/** Lets a person kill a server from the terminal, to see the session heal in the editor. */
function listenForNames(servers: readonly SupervisedServer[]): void {
  const names = servers.map((server) => server.name).join(' or ');
  console.log(`Type ${names} and Enter to kill that server and start it again; Ctrl-C ends all.`);
  createInterface({ input: process.stdin }).on('line', async (line) => {
    const server = servers.find(({ name }) => name === line.trim());
    if (server === undefined) return;
    await server.restart();
    console.log(`${server.name} was killed and started again, process ${server.pid}`);
  });
}

// The servers and the editor hold a pipe of this process each, and end with it.
whenToldToEnd(() => process.exit(0));

try {
  const servers = await startServers(useScratchFolder());
  const configured = servers.map(({ name, url }) => [name, { url }]);
  const profile = await createProfile({ 'resilientMcp.servers': Object.fromEntries(configured) });
  for (const { name, url, pid } of servers) console.log(`${name}: ${url}, process ${pid}`);
  listenForNames(servers);
  await (options.desktop ? openDesktop(profile) : openInBrowser(profile));
  process.exit(0);
} catch (error) {
  console.error(error instanceof MissingPartError ? error.message : error);
  process.exit(1);
}
