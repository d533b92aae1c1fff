import { type ChildProcess, spawn } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { passedOn } from '../../processes/program.ts';
import type { Assignment, Failure, FromWorker, ToWorker } from './messages.ts';
import type { ParentStore } from './shared-store.ts';

/** How a process ended, as text: `exit code 1`, `SIGKILL`. */
export type Exit = string;

export interface WorkerParts {
  /** The script that a worker runs. */
  readonly script: URL;
  readonly assignment: Assignment;
  readonly store: ParentStore;
  /** How long a module may take until it serves, in ms. */
  readonly startTimeoutMs: number;
  /** How long calls under way may take after another process has taken over, in ms. */
  readonly drainTimeoutMs: number;
  /** Told which files the module is made of. */
  readonly onFiles: (files: readonly string[], worker: WorkerProcess) => void;
}

/** One process that serves the module, as its parent sees it. */
export class WorkerProcess {
  readonly socketPath: string;
  /** When it was started, in ms since the epoch. */
  readonly startedAt = Date.now();
  /** Resolves with why it could not begin to serve, or with undefined once it serves. */
  readonly started: Promise<Failure | undefined>;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #parts: WorkerParts;
  readonly #retired = new AbortController();
  #exchanges = 0;
  #isBlamed = false;
  #idle: () => void = () => {};

  constructor(parts: WorkerParts) {
    const { script, assignment } = parts;
    this.#parts = parts;
    this.socketPath = assignment.socketPath;
    this.#child = spawn(process.execPath, [...flagsFor(assignment.module), fileURLToPath(script)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // The code of the module is its author's; the key comes by the channel, and goes no further.
      env: passedOn(process.env),
    });
    this.exited = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(error.message));
      this.#child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    this.started = this.#hearOfStart();
    this.#child.on('message', (message: FromWorker) => this.#hear(message));
    void this.exited.then(() => {
      this.#retired.abort();
      parts.store.forget(this.#tell);
    });
    this.#tell(assignment);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Aborts when another process serves in its place, or when it has ended. */
  get retired(): AbortSignal {
    return this.#retired.signal;
  }

  /** Counts an exchange for as long as it takes, so that {@link retire} can wait for its end. */
  begin(): () => void {
    this.#exchanges += 1;
    return () => {
      this.#exchanges -= 1;
      if (this.#exchanges === 0) this.#idle();
    };
  }

  /** An exchange was cut off. If the process has ended, it may have ended of that. */
  blame(): void {
    this.#isBlamed = true;
  }

  /** Whether it was answering when it ended, as far as can be told. */
  get endedUnderRequest(): boolean {
    return this.#isBlamed || this.#exchanges > 0;
  }

  /** Ends it when the exchanges it has begun are over, or after the time for that. Resolves when it is gone. */
  async retire(): Promise<void> {
    const { drainTimeoutMs } = this.#parts;
    this.#retired.abort();
    // Whoever has been given this worker in this very moment begins its exchange first.
    await new Promise((resolve) => setImmediate(resolve));
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, drainTimeoutMs);
    const idle = this.#exchanges === 0 ? undefined : new Promise<void>((resolve) => (this.#idle = resolve));
    await Promise.race([idle, late.promise, this.exited]);
    clearTimeout(timer);
    // Ended in good order, a call that is still under way would lose its stream as if it had been answered.
    if (this.#exchanges > 0) this.kill();
    // Every exchange is over, so this takes no time; a worker that does not even hear it is stuck.
    const stuck = setTimeout(() => this.kill(), 2000);
    this.#tell({ kind: 'drain', timeoutMs: 1000 });
    await this.exited;
    clearTimeout(stuck);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  readonly #tell = (message: ToWorker): void => {
    // A worker that is just ending has no more need of it.
    if (this.#child.connected) this.#child.send(message, () => {});
  };

  async #hearOfStart(): Promise<Failure | undefined> {
    const { startTimeoutMs } = this.#parts;
    const said = new Promise<Failure | undefined>((resolve) => {
      this.#child.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') resolve(undefined);
        if (message.kind === 'failed') resolve(message);
      });
    });
    const ended = this.exited.then((exit) => failed(`the process ended before it served (${exit})`));
    const late = Promise.withResolvers<Failure>();
    const timer = setTimeout(() => {
      late.resolve(failed(`it did not serve within ${startTimeoutMs} ms`));
      this.kill();
    }, startTimeoutMs);
    return Promise.race([said, ended, late.promise]).finally(() => clearTimeout(timer));
  }

  #hear(message: FromWorker): void {
    if (message.kind === 'store') void this.#parts.store.answer(message).then(this.#tell);
    else if (message.kind === 'subscribe') this.#parts.store.subscribe(message.channel, this.#tell);
    else if (message.kind === 'files') this.#parts.onFiles(message.files, this);
  }
}

function failed(reason: string): Failure {
  return { kind: 'failed', reason };
}

/** Before 22.18, Node.js strips types only when it is told to. */
function flagsFor(module: string): string[] {
  const strips = Boolean((process.features as { typescript?: unknown }).typescript);
  const isTypeScript = ['.ts', '.mts', '.cts'].includes(extname(module));
  const given = process.execArgv.filter((flag) => !flag.startsWith('--inspect'));
  return isTypeScript && !strips ? [...given, '--experimental-strip-types'] : given;
}
