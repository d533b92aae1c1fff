import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { until } from './until.ts';

/** A server script and how to run it. It is started again with exactly the same words after a kill. */
export interface ServerProgram {
  /** What a person calls it. */
  readonly name: string;
  /** Path of the script; run by the same Node that runs the caller. */
  readonly script: string;
  readonly args?: readonly string[];
  /** Added to the caller's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Loopback port, the same at every start. */
  readonly port: number;
  /** The line, on stdout or stderr, by which the script says that it listens. */
  readonly listening: RegExp;
  /** Path of the MCP endpoint. Default `/mcp`. */
  readonly path?: string;
  /** How long one start may take, in ms. Default 60,000. */
  readonly startTimeoutMs?: number;
}

/** How the process ended: by its own exit code, or by a signal. */
export interface ServerExit {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const PORT_ATTEMPTS = 8;
const PORT_WAIT_MS = 150;
const KEPT_LINES = 200;
const guard = new URL('./exit-with-parent.ts', import.meta.url).href;

/** Every child that runs now. None may outlive this process. */
const children = new Set<ChildProcess>();
let watchingExit = false;

/**
 * A server as a process of its own, on a fixed port, that can be killed, frozen and started again.
 *
 * No child outlives its parent: an `exit` of the parent kills it, and a parent that vanished without one closes the
 * channel that the child watches (`exit-with-parent.ts`).
 */
export class SupervisedServer {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  readonly #program: ServerProgram;
  readonly #lines: string[] = [];
  readonly #lineListeners = new Set<(line: string) => void>();
  readonly #exitListeners = new Set<(exit: ServerExit) => void>();
  #child: ChildProcess | undefined;
  #starts = 0;

  constructor(program: ServerProgram) {
    this.#program = program;
    this.name = program.name;
    this.port = program.port;
    this.url = `http://127.0.0.1:${program.port}${program.path ?? '/mcp'}`;
  }

  /** Starts a program and waits until it listens. */
  static async start(program: ServerProgram): Promise<SupervisedServer> {
    const server = new SupervisedServer(program);
    await server.start();
    return server;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** How many times the program came to listen. */
  get starts(): number {
    return this.#starts;
  }

  /** The last 200 lines it wrote, stdout and stderr together, over all its starts. */
  get output(): readonly string[] {
    return this.#lines;
  }

  /** Calls `listener` for every later line of stdout and stderr. */
  onLine(listener: (line: string) => void): { dispose(): void } {
    this.#lineListeners.add(listener);
    return { dispose: () => this.#lineListeners.delete(listener) };
  }

  /** Calls `listener` whenever the process has ended, whoever ended it. */
  onExit(listener: (exit: ServerExit) => void): { dispose(): void } {
    this.#exitListeners.add(listener);
    return { dispose: () => this.#exitListeners.delete(listener) };
  }

  /**
   * Starts the program and waits for its own word that it listens. A port that is still taken is tried again, eight
   * times in all, since a predecessor's last socket may take a moment to go.
   *
   * @throws Error when it is running already, ends before it listens, or stays silent; with its last lines.
   */
  async start(): Promise<void> {
    if (this.#child) throw new Error(`${this.name} is running already (pid ${this.#child.pid})`);
    for (let attempt = 1; ; attempt++) {
      const failure = await this.#startOnce();
      if (!failure) return;
      if (!failure.portTaken) throw failure.error;
      if (attempt === PORT_ATTEMPTS) {
        throw new Error(
          `${this.name} could not listen: port ${this.port} on 127.0.0.1 is taken by another process`,
          { cause: failure.error },
        );
      }
      await pause(PORT_WAIT_MS);
    }
  }

  /** Ends the process with SIGKILL, so without a word to anyone, and waits until it is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Kills the process if it runs, and starts it again on the same port. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** Stops the process where it is (SIGSTOP): its sockets stay open, and nothing answers on them. */
  freeze(): void {
    this.#signal('SIGSTOP');
  }

  /** Lets a frozen process go on (SIGCONT). */
  thaw(): void {
    this.#signal('SIGCONT');
  }

  /** Asks the process to end (SIGTERM), kills it after `graceMs`, and waits until it is gone. Idle when none runs. */
  async stop(graceMs = 2000): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    // A frozen process takes no SIGTERM until it goes on.
    child.kill('SIGCONT');
    await this.#end('SIGTERM').finally(() => clearTimeout(timer));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #signal(signal: NodeJS.Signals): void {
    if (!this.#child?.kill(signal)) throw new Error(`${this.name} does not run: ${signal} was not sent`);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const gone = once(child, 'close');
    child.kill(signal);
    await gone;
  }

  async #startOnce(): Promise<{ error: Error; portTaken: boolean } | undefined> {
    const own: string[] = [];
    const spoken = until<string | ServerExit>(
      (listener) => {
        const lines = this.onLine((line) => {
          own.push(line);
          listener(line);
        });
        const exits = this.onExit(listener);
        return () => {
          lines.dispose();
          exits.dispose();
        };
      },
      (event) => typeof event !== 'string' || this.#program.listening.test(event),
      {
        timeoutMs: this.#program.startTimeoutMs ?? 60_000,
        what: `the line by which ${this.name} says it listens`,
      },
    );
    this.#spawn();
    try {
      const event = await spoken;
      if (typeof event === 'string') {
        this.#starts++;
        return undefined;
      }
      const how = event.signal ?? `exit code ${event.code}`;
      const error = new Error(
        `${this.name} ended before it listened (${how}):\n  ${own.slice(-15).join('\n  ')}`,
      );
      return { error, portTaken: own.some((line) => /EADDRINUSE|already in use/i.test(line)) };
    } catch (error) {
      await this.kill();
      return { error: error instanceof Error ? error : new Error(String(error)), portTaken: false };
    }
  }

  #spawn(): void {
    const { script, args = [], env } = this.#program;
    const child = spawn(process.execPath, ['--import', guard, script, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    children.add(child);
    killChildrenAtExit();
    for (const stream of [child.stdout, child.stderr]) if (stream) this.#readLines(stream);
    child.once('error', (error) => this.#heard(`could not be run: ${error.message}`));
    // 'close', not 'exit': it comes after the last line was read, and also when no process could be made at all.
    child.once('close', (code, signal) => {
      children.delete(child);
      this.#child = undefined;
      const exit = { pid: child.pid ?? 0, code, signal };
      for (const listener of [...this.#exitListeners]) listener(exit);
    });
  }

  #readLines(stream: Readable): void {
    createInterface({ input: stream }).on('line', (line) => this.#heard(line));
  }

  #heard(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    for (const listener of [...this.#lineListeners]) listener(line);
  }
}

/** The path of a script, from a URL relative to the caller's own module. */
export function scriptPath(relative: string, from: string): string {
  return fileURLToPath(new URL(relative, from));
}

function killChildrenAtExit(): void {
  if (watchingExit) return;
  watchingExit = true;
  process.once('exit', () => {
    for (const child of children) child.kill('SIGKILL');
  });
}
