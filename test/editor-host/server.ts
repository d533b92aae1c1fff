import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Deferred } from './deferred.ts';
import type { EditorHost } from './host.ts';
import { ProcessGroup } from './process-group.ts';

const START_LIMIT_MS = 60_000;
const COMMAND_LIMIT_MS = 120_000;

export interface EditorFolders {
  readonly userData: string;
  readonly extensions: string;
}

export interface ServerOptions extends EditorFolders {
  /** 0, the default: any free port. The server listens on 127.0.0.1 only. */
  readonly port?: number;
  /** Asked of the browser; default: none, and any program of this machine may open the editor. */
  readonly password?: string;
  /** Whether a folder has to be trusted. Default false. */
  readonly workspaceTrust?: boolean;
  /** Added to the environment of the server, and so of the extension host. */
  readonly env?: NodeJS.ProcessEnv;
  readonly onOutput?: (text: string) => void;
}

/** A running editor server. Its `group` ends with `stop()`, extension hosts included. */
export interface EditorServer {
  /** Where the workbench is served, such as `http://127.0.0.1:40123/`. */
  readonly url: URL;
  readonly group: ProcessGroup;
}

/** Starts the editor's server and waits until it listens. */
export async function startEditorServer(host: EditorHost, options: ServerOptions): Promise<EditorServer> {
  const listening = new Deferred<URL>();
  let seen = '';
  const onOutput = (text: string): void => {
    options.onOutput?.(text);
    seen = (seen + text).slice(-2_000);
    const found = /server listening on (http:\/\/[\d.]+:\d+)/.exec(seen);
    if (found?.[1] !== undefined) listening.resolve(new URL(found[1]));
  };
  const args = [
    host.entry,
    ...folderArguments(options),
    ...['--bind-addr', `127.0.0.1:${options.port ?? 0}`],
    ...['--auth', options.password === undefined ? 'none' : 'password'],
    ...['--disable-telemetry', '--disable-update-check'],
    ...(options.workspaceTrust ? [] : ['--disable-workspace-trust']),
    ...['--disable-getting-started-override', '--ignore-last-opened'],
  ];
  const group = new ProcessGroup(host.node, args, { env: environment(options), onOutput });
  const patience = new AbortController();
  const given = delay(START_LIMIT_MS, undefined, { signal: patience.signal }).catch(() => {});
  try {
    const url = await Promise.race([listening.promise, group.ended, given]);
    if (url instanceof URL) return { url, group };
  } finally {
    patience.abort();
  }
  await group.stop();
  throw new Error(`The editor's server did not come up. Its last output:\n${group.tail}`);
}

/** Runs the editor's own command line, as `code --install-extension …` would. Rejects with its output if it fails. */
export async function runEditorCommand(
  host: EditorHost,
  folders: EditorFolders,
  args: readonly string[],
): Promise<string> {
  const all = [host.entry, ...folderArguments(folders), ...args];
  const command = new ProcessGroup(host.node, all, { env: environment(folders) });
  await command.succeeded(COMMAND_LIMIT_MS);
  return command.tail;
}

function folderArguments(folders: EditorFolders): string[] {
  return ['--user-data-dir', folders.userData, '--extensions-dir', folders.extensions];
}

/** Variables of an editor or a platform that we may be started from, and that code-server would take as its own. */
const FOREIGN_VARIABLES =
  /^(VSCODE_.*|ELECTRON_.*|CODE_SERVER_.*|CS_.*|PORT|PASSWORD|HASHED_PASSWORD|NODE_OPTIONS)$/;

function environment(options: Omit<ServerOptions, 'port'>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !FOREIGN_VARIABLES.test(name));
  return {
    ...Object.fromEntries(own),
    ...options.env,
    // Without these it writes configuration and logs into the home folder.
    XDG_CONFIG_HOME: join(options.userData, 'xdg-config'),
    XDG_DATA_HOME: join(options.userData, 'xdg-data'),
    CODE_SERVER_CONFIG: join(options.userData, 'xdg-config/config.yaml'),
    CODE_SERVER_SESSION_SOCKET: join(options.userData, 's.sock'),
    ...(options.password === undefined ? {} : { PASSWORD: options.password }),
  };
}
