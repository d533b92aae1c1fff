import { type ChildProcess, spawn as spawnProgram, spawnSync } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import spawn from 'cross-spawn';
import { type Clock, sleep } from '../base/environment.ts';
import type { Program } from './program.ts';
import { checkFolder, startFailure } from './start-failure.ts';
import { treeKiller } from './windows.ts';

/** How long a program may take to end once its standard input was closed, and again once it was told to, in ms. */
const END_GRACE_MS = 2000;
/** How long what a program has left behind may hold its output open after its own end, in ms. */
const LEFT_BEHIND_MS = 500;
/** How long the system may take to end what was killed, in ms. */
const KILLED_MS = 1000;

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

const isWindows = process.platform === 'win32';

/** Killed when this process ends, however it ends: no program outlives the one that started it. */
const living = new Set<LocalProcess>();
const killAll = () => {
  for (const each of living) each.kill();
};

/**
 * A started program with its child processes: on POSIX its process group, on Windows its process tree. `end` follows
 * MCP (2025-11-25, lifecycle: shutdown): it closes the input, then asks it to end, then kills it.
 */
export class LocalProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #exited = Promise.withResolvers<Exit>();
  readonly #over = Promise.withResolvers<Exit>();
  #hasExited = false;

  /** @throws ResilientMcpError `SERVER_NOT_STARTED` */
  static async start(program: Program, clock: Clock): Promise<LocalProcess> {
    checkFolder(program.cwd);
    let child: ChildProcess;
    try {
      child = spawn(program.command, [...program.args], {
        cwd: program.cwd,
        env: program.env,
        stdio: ['pipe', 'pipe', 'pipe'],
        // A separate process group can be signalled as a whole, and a Ctrl+C in a terminal does not reach it.
        detached: !isWindows,
        windowsHide: true,
      });
      await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    } catch (error) {
      throw startFailure(error, program);
    }
    return new LocalProcess(child, clock);
  }

  private constructor(child: ChildProcess, clock: Clock) {
    const { stdin, stdout, stderr, pid } = child;
    if (!stdin || !stdout || !stderr || pid === undefined) throw new TypeError('a process without pipes');
    this.stdin = stdin;
    this.stdout = stdout;
    this.stderr = stderr;
    this.pid = pid;
    this.#child = child;
    this.#clock = clock;
    // A failed write is reported by the write itself; a failed read means the end.
    for (const stream of [stdin, stdout, stderr]) stream.on('error', () => {});
    child.on('error', () => {});
    child.once('exit', (code, signal) => this.#exit({ code, signal }));
    if (living.size === 0) process.on('exit', killAll);
    living.add(this);
    void this.over.then(() => {
      living.delete(this);
      if (living.size === 0) process.off('exit', killAll);
    });
  }

  /** Resolves when it has ended, all that it wrote has been read, and nothing of it is left. */
  get over(): Promise<Exit> {
    return this.#over.promise;
  }

  /** Resolves when it has ended; what it has started may live on for a moment. */
  get exited(): Promise<Exit> {
    return this.#exited.promise;
  }

  /** Ends it politely. Resolves when nothing of it is left. */
  async end(): Promise<void> {
    this.stdin.end();
    if (!(await this.#exitsWithin(END_GRACE_MS))) {
      this.#signal('SIGTERM');
      if (!(await this.#exitsWithin(END_GRACE_MS))) this.kill();
    }
    await this.over;
  }

  /** Ends it and all that it has started, at once. */
  kill(): void {
    if (!isWindows) this.#signal('SIGKILL');
    else if (!this.#hasExited) spawnSync(...treeKiller(this.pid), { windowsHide: true });
    // A process that even so does not end (it waits for a disk, say) is not waited for.
    const giveUp = () => this.#over.resolve({ code: null, signal: 'SIGKILL' });
    void this.over.then(this.#clock.after(KILLED_MS, giveUp, { background: true }));
  }

  #exit(exit: Exit): void {
    this.#hasExited = true;
    this.#exited.resolve(exit);
    const isAlone = !this.#signal('SIGTERM');
    const cancel = this.#clock.after(LEFT_BEHIND_MS, () => {
      if (!isAlone) this.#signal('SIGKILL');
      this.stdout.destroy();
      this.stderr.destroy();
      this.#over.resolve(exit);
    });
    this.#child.once('close', () => {
      if (!isAlone) return;
      cancel();
      this.#over.resolve(exit);
    });
  }

  async #exitsWithin(ms: number): Promise<boolean> {
    const late = new AbortController();
    const waited = sleep(this.#clock, ms, late.signal).then(() => false);
    return Promise.race([this.#exited.promise.then(() => true), waited]).finally(() => late.abort());
  }

  /** Signals the whole tree; false when nothing of it is left. */
  #signal(signal: 'SIGTERM' | 'SIGKILL'): boolean {
    if (isWindows) {
      if (this.#hasExited) return false;
      const [command, args] = treeKiller(this.pid);
      spawnProgram(command, args, { windowsHide: true, stdio: 'ignore' }).on('error', () => {});
      return true;
    }
    try {
      return process.kill(-this.pid, signal);
    } catch {
      // ESRCH: the group is empty.
      return false;
    }
  }
}
