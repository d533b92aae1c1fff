import type { Clock } from '../base/environment.ts';
import { Lines } from '../base/lines.ts';
import { ResilientMcpError } from '../protocol/errors.ts';
import { type Exit, LocalProcess } from './local-process.ts';
import type { Program } from './program.ts';
import { ProgramOutput } from './program-output.ts';

/** `resilient-mcp serve: listening on the socket /tmp/resilient-mcp-abc/1.sock` */
const LISTENING = /: listening on the socket (.+)$/;
const MAX_LINE = 8 * 1024;

export interface ModuleServerOptions {
  /** `resilient-mcp serve --socket`, with all its arguments. */
  readonly program: Program;
  /** The path of its endpoint. */
  readonly path: string;
  readonly clock: Clock;
  readonly secrets: ReadonlyMap<string, string>;
}

/** The address of a module: a socket that only this user can open, so no other program can impersonate it. */
export interface ModuleAddress {
  readonly socketPath: string;
  /** The URL to request on the socket. */
  readonly url: URL;
}

/**
 * One `resilient-mcp serve` process that serves a module to any number of connections. It restarts its module
 * itself; this class keeps the process running while it is in use.
 */
export class ModuleServer {
  readonly #options: ModuleServerOptions;
  readonly #readers = new Set<(line: string) => void>();
  readonly #output: ProgramOutput;
  #listening: Promise<ModuleAddress> | undefined;
  #starting: Promise<LocalProcess> | undefined;
  #isClosed = false;

  constructor(options: ModuleServerOptions) {
    this.#options = options;
    const { clock, secrets } = options;
    this.#output = new ProgramOutput({
      clock,
      secrets,
      onLine: (line) => {
        for (const read of this.#readers) read(line);
      },
    });
  }

  get isRunning(): boolean {
    return this.#listening !== undefined;
  }

  /** Passes every later log line to `reader`. @returns a function that stops this */
  read(reader: (line: string) => void): () => void {
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  }

  /**
   * The address of the endpoint. Starts the server if it is not running.
   * @throws ResilientMcpError `SERVER_NOT_STARTED`
   */
  address(): Promise<ModuleAddress> {
    this.#listening ??= this.#start().catch((error: unknown) => {
      this.#listening = undefined;
      throw error;
    });
    return this.#listening;
  }

  /** Ends the server gracefully. Resolves when all its processes have ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const started = await this.#starting?.catch(() => undefined);
    await started?.end();
  }

  async #start(): Promise<ModuleAddress> {
    if (this.#isClosed) throw closed();
    const { program, clock } = this.#options;
    this.#starting = LocalProcess.start(program, clock);
    const started = await this.#starting;
    const address = Promise.withResolvers<ModuleAddress>();
    for (const stream of [started.stdout, started.stderr]) {
      const take = (line: string) => this.#take(line, address.resolve);
      const lines = new Lines(MAX_LINE, {
        onLine: take,
        onTooLong: (head) => take(new TextDecoder().decode(head)),
      });
      stream.on('data', (chunk: Uint8Array) => lines.feed(chunk)).once('end', () => lines.end());
    }
    void started.over.then((exit) => {
      this.#listening = undefined;
      address.reject(this.#ended(exit));
    });
    return address.promise;
  }

  #take(line: string, found: (address: ModuleAddress) => void): void {
    const socketPath = LISTENING.exec(line)?.[1];
    if (socketPath === undefined) this.#output.take(line);
    else found({ socketPath, url: new URL(this.#options.path, 'http://localhost') });
  }

  #ended({ code, signal }: Exit): ResilientMcpError {
    const last = this.#output.last?.replace(/^resilient-mcp serve: |^resilient-mcp: /, '');
    const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
    const words = last ?? `it ${how}`;
    return new ResilientMcpError('SERVER_NOT_STARTED', `The module is not served: ${words}`);
  }
}

/** The servers of modules that are in use now, one for each entry, however many connections there are. */
export class ModuleServers {
  readonly #used = new Map<string, { readonly server: ModuleServer; users: number }>();

  /**
   * A place at the server of this key, for one connection. It is taken when it is first asked for its server.
   * @param make creates the server for its first user
   */
  place(key: string, make: () => ModuleServer): ModulePlace {
    return new ModulePlace(
      () => {
        const used = this.#used.get(key) ?? { server: make(), users: 0 };
        this.#used.set(key, used);
        used.users++;
        return used.server;
      },
      async (server) => {
        const used = this.#used.get(key);
        if (!used || --used.users > 0) return;
        this.#used.delete(key);
        await server.close();
      },
    );
  }
}

/** What one connection has of the server of its module. */
export class ModulePlace {
  readonly #take: () => ModuleServer;
  readonly #leave: (server: ModuleServer) => Promise<void>;
  readonly #readers: ((line: string) => void)[] = [];
  #server: ModuleServer | undefined;
  #left: Promise<void> | undefined;
  #stopReading: (() => void)[] = [];

  constructor(take: () => ModuleServer, leave: (server: ModuleServer) => Promise<void>) {
    this.#take = take;
    this.#leave = leave;
  }

  get isTaken(): boolean {
    return this.#server?.isRunning ?? false;
  }

  /** The address of the endpoint. Starts the server if it is not running. */
  address(): Promise<ModuleAddress> {
    if (this.#left) return Promise.reject(closed());
    if (!this.#server) {
      const server = this.#take();
      this.#server = server;
      this.#stopReading = this.#readers.map((reader) => server.read(reader));
    }
    return this.#server.address();
  }

  /** Has every line that the server writes for people told. */
  read(reader: (line: string) => void): void {
    this.#readers.push(reader);
  }

  /** Gives it up. The last one to do so ends the server. */
  leave(): Promise<void> {
    for (const stop of this.#stopReading) stop();
    this.#left ??= this.#server ? this.#leave(this.#server) : Promise.resolve();
    return this.#left;
  }
}

function closed(): ResilientMcpError {
  return new ResilientMcpError('CONNECTION_CLOSED', 'The connection was closed.');
}
