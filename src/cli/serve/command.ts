import { once } from 'node:events';
import { chmodSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import { systemClock } from '../../base/environment.ts';
import { describeError } from '../../protocol/errors.ts';
import { sessionKeys } from '../../server/ids/session-key.ts';
import { type Command, Failed, parse, UsageError } from '../command.ts';
import { maxMessage } from '../max-message.ts';
import { stopSignal } from '../stop-signal.ts';
import { FileWatch } from './file-watch.ts';
import { type FrontLimits, front, MAX_HELD_BYTES } from './front.ts';
import { type Assignment, loopbackNames } from './messages.ts';
import { ParentStore } from './shared-store.ts';
import { Supervisor } from './supervisor.ts';
import { WorkerProcess } from './worker-process.ts';

const START_TIMEOUT_MS = 30_000;
const DRAIN_TIMEOUT_MS = 30_000;

const usage = `Usage: resilient-mcp serve <module> [options]

Serves the MCP server that a module creates, over Streamable HTTP, in a child process. The process is restarted when it
ends, and clients keep their sessions.

The module exports a function, as default or with the name createServer, that returns a new McpServer or Server of
@modelcontextprotocol/sdk. It is called once for each session. Node.js runs TypeScript itself, by stripping the types.

  --port <n>             The port; 0 picks a free one. Default 3000.
  --host <address>       The address to listen on. Default 127.0.0.1.
  --socket               Listen on a socket that only this user can open, instead of a port. Its path is printed.
  --path <path>          The path of the endpoint. Default: the variable RESILIENT_MCP_PATH, or /mcp.
  --watch                Start a new process when the module, or a file that it imports, changes. The old process serves
                         until the new one is ready.
  --max-restarts <n>     How many times a minute to restart a module that crashes, with growing delays. Default 10.
  --key-file <file>      The file of the key that signs session ids; created if missing. Default: the variable
                         RESILIENT_MCP_SESSION_KEY, or a file of this user.
  --allowed-host <name>  A host name that clients may use, besides the loopback names. May be repeated.
  --max-message <MiB>    The longest message of a client. Default 4.
  --with-stdin           End when standard input ends, that is, when the parent program is gone.
  --help                 Show this help.

Examples:
  resilient-mcp serve ./server.ts --watch
  resilient-mcp serve dist/server.js --port 8080
`;

interface ServeOptions {
  readonly module: string;
  readonly port: number;
  readonly host: string;
  readonly socket: boolean;
  readonly path: string;
  readonly watch: boolean;
  readonly maxRestarts: number;
  readonly keyFile: string | undefined;
  readonly allowedHosts: readonly string[];
  readonly maxBodyBytes: number;
  readonly withStdin: boolean;
}

export const serve: Command = {
  summary: 'serve a module that creates an MCP server, and restart it when it ends',
  usage,
  run: async (args) => run(optionsOf(args)),
};

function optionsOf(args: readonly string[]): ServeOptions {
  const { values, positionals } = parse(args, {
    port: { type: 'string' },
    host: { type: 'string' },
    socket: { type: 'boolean', default: false },
    path: { type: 'string', default: process.env.RESILIENT_MCP_PATH ?? '/mcp' },
    watch: { type: 'boolean', default: false },
    'max-restarts': { type: 'string', default: '10' },
    'key-file': { type: 'string' },
    'allowed-host': { type: 'string', multiple: true, default: [] },
    'max-message': { type: 'string', default: '4' },
    'with-stdin': { type: 'boolean', default: false },
  });
  const [module, ...more] = positionals;
  if (module === undefined) throw new UsageError('serve needs the path of a module.');
  if (more.length > 0) throw new UsageError(`serve takes one module. Remove ${more.join(' ')}.`);
  const { host = '127.0.0.1', path, watch, socket } = values;
  if (socket && (values.port !== undefined || values.host !== undefined)) {
    throw new UsageError('--socket replaces --port and --host.');
  }
  const { port: portText = '3000' } = values;
  const port = Number(portText);
  if (!/^\d+$/.test(portText) || port > 65_535) {
    throw new UsageError(`--port must be a number from 0 to 65535, not ${portText}.`);
  }
  if (!/^\d{1,6}$/.test(values['max-restarts'])) {
    throw new UsageError(`--max-restarts must be a number, not ${values['max-restarts']}.`);
  }
  if (!/^\/[^?#\s]*$/.test(path)) throw new UsageError(`--path must start with a slash, not ${path}.`);
  return {
    module,
    port,
    host,
    socket,
    path,
    watch,
    maxRestarts: Number(values['max-restarts']),
    keyFile: values['key-file'],
    allowedHosts: values['allowed-host'],
    maxBodyBytes: maxMessage(values['max-message']),
    withStdin: values['with-stdin'],
  };
}

/** The limit of all bodies together allows at least two of the largest. */
function limitsOf({ maxBodyBytes }: ServeOptions): Partial<FrontLimits> {
  return { maxBodyBytes, maxHeldBytes: Math.max(MAX_HELD_BYTES, 2 * maxBodyBytes) };
}

async function run(options: ServeOptions): Promise<void> {
  const module = moduleAt(options.module);
  const { keys, transientBecause } = sessionKeys(
    options.keyFile === undefined ? {} : { keyFile: options.keyFile },
  );
  if (transientBecause !== undefined) say(`sessions end with this program: ${transientBecause}`, true);
  const givenUp = Promise.withResolvers<never>();
  const sockets = new SocketPaths();
  const store = new ParentStore();
  const files = new FileWatch((file) => {
    say(`${file} has changed`);
    supervisor.relaunch();
  });
  const assignment = {
    kind: 'serve',
    module,
    keys,
    scope: module,
    allowedHosts: options.allowedHosts,
    maxBodyBytes: options.maxBodyBytes,
  } as const;
  const spawn = () => {
    const given: Assignment = { ...assignment, watch: options.watch, socketPath: sockets.next() };
    return new WorkerProcess({
      script: new URL(`./worker${extname(import.meta.url)}`, import.meta.url),
      assignment: given,
      store,
      startTimeoutMs: START_TIMEOUT_MS,
      drainTimeoutMs: DRAIN_TIMEOUT_MS,
      onFiles: (seen, worker) => files.add(seen, worker.startedAt),
    });
  };
  const supervisor = new Supervisor({
    spawn,
    clock: systemClock,
    say,
    watch: options.watch,
    maxRestarts: options.maxRestarts,
    onGivenUp: () => givenUp.reject(new Failed('the server is not running.')),
  });
  process.once('exit', () => supervisor.kill());
  const http = front({
    path: options.path,
    allowedHosts: [...loopbackNames, ...options.allowedHosts],
    next: () => supervisor.next(),
    limits: limitsOf(options),
  });
  try {
    await (options.socket ? listenOnSocket(http, sockets.next()) : listen(http, options));
    if (options.watch) files.add([module], Number.POSITIVE_INFINITY);
    supervisor.launch();
    await Promise.race([stopSignal(), givenUp.promise, ...(options.withStdin ? [inputEnd()] : [])]);
    say('stopping');
    // Requests in progress are answered; new connections are refused.
    http.close();
    http.closeIdleConnections();
    await Promise.race([supervisor.stop(), stopSignal()]);
  } finally {
    files.close();
    supervisor.kill();
    http.close();
    http.closeAllConnections();
    sockets.remove();
  }
}

/** Resolves when standard input ends: its other end was closed, or its process ended. */
function inputEnd(): Promise<void> {
  return new Promise((resolve) => {
    process.stdin
      .once('end', resolve)
      .once('error', () => resolve())
      .resume();
  });
}

function moduleAt(path: string): string {
  const absolute = resolve(path);
  if (!statSync(absolute, { throwIfNoEntry: false })?.isFile())
    throw new Failed(`there is no file ${absolute}.`);
  return realpathSync(absolute);
}

async function listen(http: Server, { host, port, path }: ServeOptions): Promise<void> {
  http.listen(port, host);
  try {
    await once(http, 'listening');
  } catch (error) {
    throw new Failed(whyNot(error, host, port));
  }
  const { address, port: actual, family } = http.address() as AddressInfo;
  say(`listening on http://${family === 'IPv6' ? `[${address}]` : address}:${actual}${path}`);
}

/** Only this user can open the socket: by the mode of its folder, and its own. */
async function listenOnSocket(http: Server, path: string): Promise<void> {
  try {
    await once(http.listen(path), 'listening');
    if (process.platform !== 'win32') chmodSync(path, 0o600);
  } catch (error) {
    throw new Failed(`cannot listen on a socket: ${describeError(error)}`);
  }
  say(`listening on the socket ${path}`);
}

function whyNot(error: unknown, host: string, port: number): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE')
    return `port ${port} on ${host} is in use by another program. Choose another with --port.`;
  if (code === 'EACCES')
    return `port ${port} on ${host} is not permitted. Choose one above 1023 with --port.`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `${host} is not an address of this machine (--host).`;
  return `cannot listen on port ${port} of ${host}: ${describeError(error)}`;
}

/** Socket paths (named pipes on Windows) that no other user can open. */
class SocketPaths {
  readonly #folder = process.platform === 'win32' ? undefined : mkdtempSync(join(tmpdir(), 'resilient-mcp-'));
  #count = 0;

  next(): string {
    this.#count += 1;
    return this.#folder === undefined
      ? `\\\\.\\pipe\\resilient-mcp-${crypto.randomUUID()}`
      : join(this.#folder, `${this.#count}.sock`);
  }

  remove(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }
}

function say(line: string, isTrouble = false): void {
  console[isTrouble ? 'error' : 'log'](`resilient-mcp serve: ${line}`);
}
