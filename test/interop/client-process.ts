import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Command } from './server.ts';

const READY_LIMIT_MS = 30_000;
const END_LIMIT_MS = 5000;
const KEPT_OUTPUT = 10_000;

type Answer = { readonly key: string; readonly text?: string; readonly error?: string };

/** A client of another language as a process; `client.ts` says what is spoken with it. */
export class ClientProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ready = Promise.withResolvers<void>();
  readonly #waiting = new Map<string, PromiseWithResolvers<string>>();
  #output = '';

  private constructor({ program, args, env, cwd }: Command) {
    this.#child = spawn(program, [...args], {
      env: { ...process.env, ...env },
      ...(cwd !== undefined && { cwd }),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const { stdin, stdout, stderr } = this.#child;
    stdin?.on('error', () => {}); // It has ended; `close` says so.
    if (stdout) createInterface({ input: stdout }).on('line', (line) => this.#heard(line));
    stderr?.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
    this.#child.once('error', (error) => this.#ended(String(error)));
    this.#child.once('close', (code, signal) => this.#ended(`it ended with ${code ?? signal}`));
  }

  /** Starts it, and waits until it has connected. @throws Error with its last lines */
  static async start(command: Command): Promise<ClientProcess> {
    const client = new ClientProcess(command);
    const limit = setTimeout(() => client.#ended('it did not connect'), READY_LIMIT_MS);
    try {
      await client.#ready.promise;
      return client;
    } catch (error) {
      await client[Symbol.asyncDispose]();
      throw error;
    } finally {
      clearTimeout(limit);
    }
  }

  /** Has it call the tool. Rejects with what it says, when it ends, and after the limit. */
  async call(key: string, limitMs: number): Promise<string> {
    const waiting = Promise.withResolvers<string>();
    this.#waiting.set(key, waiting);
    const limit = setTimeout(
      () => waiting.reject(new Error(`no answer within ${limitMs / 1000} s`)),
      limitMs,
    );
    this.#child.stdin?.write(`${key}\n`);
    try {
      return await waiting.promise;
    } finally {
      clearTimeout(limit);
      this.#waiting.delete(key);
    }
  }

  /** Ends its input, then itself if it does not end by that. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'close');
    const limit = setTimeout(() => this.#child.kill('SIGKILL'), END_LIMIT_MS);
    this.#child.stdin?.end();
    await closed;
    clearTimeout(limit);
  }

  #heard(line: string): void {
    if (line === 'ready') {
      this.#ready.resolve();
      return;
    }
    if (!line.startsWith('{')) {
      this.#keep(`${line}\n`);
      return;
    }
    const answer = JSON.parse(line) as Answer;
    const waiting = this.#waiting.get(answer.key);
    if (answer.error !== undefined) waiting?.reject(new Error(answer.error));
    else waiting?.resolve(answer.text ?? '');
  }

  #keep(text: string): void {
    this.#output = (this.#output + text).slice(-KEPT_OUTPUT);
  }

  #ended(how: string): void {
    const lines = this.#output.trim().split('\n').slice(-8).join('\n    ');
    const error = new Error(`${how}${lines && `\n    ${lines}`}`);
    this.#ready.promise.catch(() => {}); // Nobody waits for it any more once it was ready.
    this.#ready.reject(error);
    for (const waiting of this.#waiting.values()) waiting.reject(error);
  }
}
