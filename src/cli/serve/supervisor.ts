import type { CancelTimer, Clock } from '../../base/environment.ts';
import type { Failure } from './messages.ts';
import type { WorkerProcess } from './worker-process.ts';

export interface SupervisorParts {
  readonly spawn: () => WorkerProcess;
  readonly clock: Clock;
  /** Receives a line for the user. */
  readonly say: (line: string, isTrouble: boolean) => void;
  /** Whether a changed file may fix the problem. */
  readonly watch: boolean;
  /** Limit of automatic restarts within a minute. */
  readonly maxRestarts: number;
  /** Called when no process serves and no restart will follow. */
  readonly onGivenUp: () => void;
}

const CRASH_WINDOW_MS = 60_000;
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5000;
/** Limit of remembered ends; more do not lengthen the delay. */
const MAX_ENDS = 20;
/** Limit of requests that wait for a process; more are refused. */
const MAX_WAITING = 1000;
/** Time limit of a waiting request, in ms. */
const WAIT_MS = 30_000;

/** No process serves, and none will soon. The message is for the client. */
export class NothingServes extends Error {}

/**
 * Keeps one process serving. Restarts it after a crash. A replacement serves before the old process is ended.
 */
export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #leaving = new Map<WorkerProcess, Promise<void>>();
  readonly #waiting = new Set<(worker: WorkerProcess | undefined) => void>();
  #serving: WorkerProcess | undefined;
  #starting: WorkerProcess | undefined;
  /** Ends of processes by themselves; `#crashes` are those that no request caused. */
  #ends: number[] = [];
  #crashes: number[] = [];
  #cancelStart: CancelTimer = () => {};
  #state: 'running' | 'hopeless' | 'stopped' = 'running';

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
  }

  /** Starts a process beside the serving one. A process still starting has an older version. */
  launch(): void {
    if (this.#state === 'stopped') return;
    this.#state = 'running';
    this.#cancelStart();
    this.#starting?.kill();
    const worker = this.#parts.spawn();
    this.#starting = worker;
    void worker.started.then((failure) => this.#launched(worker, failure));
  }

  /** Starts again after a change; earlier crashes no longer count. */
  relaunch(): void {
    this.#ends = [];
    this.#crashes = [];
    this.launch();
  }

  /**
   * The serving process, or the next one.
   * @throws NothingServes when none starts in time, or too many requests wait
   */
  async next(): Promise<WorkerProcess> {
    if (this.#serving && !this.#serving.retired.aborted) return this.#serving;
    if (this.#state !== 'running') throw new NothingServes('The server does not run; its console says why.');
    if (this.#waiting.size >= MAX_WAITING)
      throw new NothingServes('Too many requests wait for the server to start.');
    const { promise, resolve } = Promise.withResolvers<WorkerProcess | undefined>();
    const cancel = this.#parts.clock.after(WAIT_MS, () => resolve(undefined));
    this.#waiting.add(resolve);
    const worker = await promise;
    cancel();
    this.#waiting.delete(resolve);
    if (!worker) throw new NothingServes('The server did not start in time; its console says why.');
    return worker;
  }

  /** Lets calls under way end, and ends every process. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#cancelStart();
    this.#starting?.kill();
    this.#release(undefined);
    if (this.#serving) this.#leave(this.#serving);
    this.#serving = undefined;
    await Promise.all(this.#leaving.values());
  }

  /** Ends every process at once. */
  kill(): void {
    this.#state = 'stopped';
    this.#starting?.kill();
    this.#serving?.kill();
    for (const worker of this.#leaving.keys()) worker.kill();
  }

  #launched(worker: WorkerProcess, failure: Failure | undefined): void {
    if (this.#starting !== worker || this.#state === 'stopped') return;
    this.#starting = undefined;
    if (failure) {
      this.#say(`${failure.where ? `${failure.where}: ` : ''}${failure.reason}`, true);
      if (this.#serving) this.#say('the last good process goes on serving', true);
      else this.#after('could not start');
      return;
    }
    const last = this.#serving;
    this.#serving = worker;
    void worker.exited.then((exit) => this.#exited(worker, exit));
    this.#say(`${last ? 'a new process serves' : 'serving'} (pid ${worker.pid})`);
    if (last) this.#leave(last);
    this.#release(worker);
  }

  #exited(worker: WorkerProcess, exit: string): void {
    if (this.#serving !== worker || this.#state === 'stopped') return;
    this.#serving = undefined;
    const isOfRequest = worker.endedUnderRequest;
    this.#say(`the server process ended (${exit})${isOfRequest ? ' under a request' : ''}`, true);
    // A changed file has already started the next one.
    if (!this.#starting) this.#after('crashed', isOfRequest);
  }

  /**
   * Restarts when no process serves, with growing delays and a budget. A crash caused by a request does not
   * count against the module: such a request goes to two processes at most.
   */
  #after(what: string, isOfRequest = false): void {
    const { maxRestarts, clock } = this.#parts;
    const now = clock.monotonic();
    const recent = (at: number) => now - at < CRASH_WINDOW_MS;
    this.#ends = [...this.#ends.filter(recent), now].slice(-MAX_ENDS);
    this.#crashes = [...this.#crashes.filter(recent), ...(isOfRequest ? [] : [now])];
    const count = this.#crashes.length;
    // A module that never served will fail again until it changes.
    const isHopeless = count > maxRestarts || (what === 'could not start' && this.#ends.length === 1);
    if (isHopeless) {
      this.#giveUp(count);
      return;
    }
    const { length } = this.#ends;
    const delayMs = length === 1 ? 0 : Math.min(FIRST_DELAY_MS * 2 ** (length - 2), MAX_DELAY_MS);
    const times = isOfRequest ? '' : ` (${count} of ${maxRestarts} within a minute)`;
    this.#say(`it ${what}; starting again in ${delayMs} ms${times}`, true);
    this.#cancelStart = clock.after(delayMs, () => this.launch());
  }

  #giveUp(count: number): void {
    this.#state = 'hopeless';
    this.#release(undefined);
    if (count > this.#parts.maxRestarts)
      this.#say(`it crashed ${count} times within a minute: not started again`, true);
    if (this.#parts.watch) this.#say('waiting for a file to change', true);
    else this.#parts.onGivenUp();
  }

  #leave(worker: WorkerProcess): void {
    const leaving = worker.retire();
    this.#leaving.set(worker, leaving);
    void leaving.then(() => this.#leaving.delete(worker));
  }

  #release(worker: WorkerProcess | undefined): void {
    for (const resolve of this.#waiting) resolve(worker);
    this.#waiting.clear();
  }

  #say(line: string, isTrouble = false): void {
    this.#parts.say(line, isTrouble);
  }
}
