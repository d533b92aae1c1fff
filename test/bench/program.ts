import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What a program of the measurements can be asked. */
type Handlers = Readonly<Record<string, (argument: never) => unknown>>;

type Answer<H extends Handlers, Name extends keyof H> = Awaited<ReturnType<H[Name]>>;

interface Asked {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

type Answered =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly failure: string };

export interface ProgramOptions {
  /** Arguments of Node.js itself. */
  readonly nodeArgs?: readonly string[];
  /** Arguments of the program. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** How long an answer may take, in ms. Default 60,000. */
  readonly limitMs?: number;
}

/**
 * A process of its own for each server, client and source of load: what one of them keeps in memory, or has compiled,
 * is no other's.
 */
export class Program<H extends Handlers> implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #limitMs: number;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #asked = 0;

  private constructor(child: ChildProcess, limitMs: number) {
    this.#child = child;
    this.#limitMs = limitMs;
    child.on('message', (message) => this.#settle(message as Answered));
    child.once('exit', (code, signal) => this.#fail(`it ended with ${code ?? signal}`));
  }

  /** Starts a file of programs/, which calls {@link answerQuestions}, and waits until it does. */
  static async start<H extends Handlers>(
    name: string,
    { nodeArgs = [], args = [], env = {}, limitMs = 60_000 }: ProgramOptions = {},
  ): Promise<Program<H>> {
    const file = join(import.meta.dirname, 'programs', `${name}.ts`);
    const child = fork(file, [...args], { execArgv: [...nodeArgs], env: { ...process.env, ...env } });
    const gone = Promise.withResolvers<never>();
    const onExit = () => gone.reject(new Error(`${name} ended before it could be asked`));
    child.once('exit', onExit);
    await Promise.race([once(child, 'message'), gone.promise]);
    child.off('exit', onExit);
    return new Program(child, limitMs);
  }

  /** @throws Error what the program threw, or why it gives no answer any more */
  async ask<Name extends keyof H & string>(
    name: Name,
    ...[argument]: Parameters<H[Name]>
  ): Promise<Answer<H, Name>> {
    const id = ++this.#asked;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    const limit = setTimeout(
      () => waiting.reject(new Error(`no answer to ${name} within ${this.#limitMs} ms`)),
      this.#limitMs,
    );
    this.#child.send({ id, name, argument } satisfies Asked);
    try {
      return (await waiting.promise) as Answer<H, Name>;
    } finally {
      clearTimeout(limit);
      this.#waiting.delete(id);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  #settle(message: Answered): void {
    const waiting = this.#waiting.get(message.id);
    if ('failure' in message) waiting?.reject(new Error(message.failure));
    else waiting?.resolve(message.answer);
  }

  #fail(why: string): void {
    for (const waiting of this.#waiting.values()) waiting.reject(new Error(why));
  }
}

/** The other end: answers what the parent process asks, and ends with it. */
export function answerQuestions(handlers: Handlers): void {
  const reply = (message: Answered | 'ready') => void process.send?.(message);
  process.on('message', async ({ id, name, argument }: Asked) => {
    try {
      reply({ id, answer: await handlers[name]?.(argument as never) });
    } catch (error) {
      reply({ id, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  process.once('disconnect', () => process.exit());
  reply('ready');
}
