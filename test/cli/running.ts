import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { until } from '../../harness/until.ts';
import { program } from './serving.ts';

/** What a client says first; its id is `init`. */
export const initialize = {
  jsonrpc: '2.0',
  id: 'init',
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1.0.0' } },
} as const;
export const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' } as const;

export interface RunningOptions {
  /** In place of the variables of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Another program of this repository, by its path. Default: `resilient-mcp`. */
  readonly script?: string;
}

/** `resilient-mcp` as a process of which a test has both ends. Killed when disposed of. */
export class Running implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #closed: Promise<number | null>;
  readonly #lines: { out: string[]; err: string[] } = { out: [], err: [] };
  readonly #listeners = new Set<() => void>();

  constructor(args: readonly string[], { env = process.env, script = program }: RunningOptions = {}) {
    this.#child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'pipe'], env });
    this.#closed = once(this.#child, 'close').then(([code]) => code as number | null);
    this.#collect(this.#child.stdout, this.#lines.out);
    this.#collect(this.#child.stderr, this.#lines.err);
    // A program that has ended reads no more.
    this.#child.stdin.on('error', () => {});
  }

  /** Whole lines of standard output. */
  get out(): readonly string[] {
    return this.#lines.out;
  }

  /** Whole lines of standard error. */
  get err(): readonly string[] {
    return this.#lines.err;
  }

  get input(): Writable {
    return this.#child.stdin;
  }

  get output(): Readable {
    return this.#child.stdout;
  }

  /** Resolves with the exit code when the process has ended and all was read; null after a signal. */
  get exitCode(): Promise<number | null> {
    return this.#closed;
  }

  /** One JSON-RPC message, as a line. */
  send(...messages: readonly object[]): void {
    for (const message of messages) this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits for a line, those already written included. */
  async line(pattern: RegExp, from: 'out' | 'err' = 'out'): Promise<string> {
    const find = () => this.#lines[from].find((line) => pattern.test(line));
    await this.#until(() => find() !== undefined, String(pattern));
    return find() ?? '';
  }

  /** Waits for the answer to a request. */
  async answer(id: string | number | null): Promise<Record<string, unknown>> {
    const find = () =>
      this.#lines.out.map((line) => JSON.parse(line)).find((message) => message.id === id && !message.method);
    await this.#until(() => find() !== undefined, `the answer to ${id}`);
    return find();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#closed;
  }

  async #until(isThere: () => boolean, what: string): Promise<void> {
    if (isThere()) return;
    await until<void>(
      (listener) => {
        this.#listeners.add(listener);
        void this.#closed.then(() => listener());
        return () => this.#listeners.delete(listener);
      },
      () => {
        if (isThere()) return true;
        if (this.#child.exitCode !== null) throw new Error(`${what} did not come: ${this.err.join('\n')}`);
        return false;
      },
      { what },
    );
  }

  #collect(stream: Readable, lines: string[]): void {
    let rest = '';
    stream.setEncoding('utf8').on('data', (part: string) => {
      const parts = (rest + part).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
      for (const listener of this.#listeners) listener();
    });
  }
}
