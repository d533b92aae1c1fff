import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Output that is kept of a group for error messages, in characters. */
const TAIL_LIMIT = 16_384;

/** How long a group has between SIGTERM and SIGKILL, in ms. */
const GRACE_MS = 4_000;

/**
 * The lease: the group reads its standard input, which is a pipe from us. The pipe closes when this process dies, in
 * whatever way, SIGKILL included; then the group ends itself, with two seconds between SIGTERM and SIGKILL. The shell
 * that leads the group outlives a SIGTERM, and so ends when its command has ended, with that command's exit code.
 */
const LEASE = `
trap : TERM
exec 3<&0
(trap "" TERM; cat <&3 >/dev/null; kill -TERM 0; sleep 2; kill -KILL 0) &
"$@" </dev/null 3<&-`;

export interface GroupOptions {
  readonly cwd?: string;
  /** The whole environment of the group, not an addition to ours. */
  readonly env?: NodeJS.ProcessEnv;
  /** Called with each chunk of output, both streams. */
  readonly onOutput?: (text: string) => void;
}

/** A command with all the processes that it starts. They end together, and never outlive this process. */
export class ProcessGroup {
  readonly #leader: ChildProcess;
  readonly #command: string;
  #tail = '';
  /** Resolves when the leader has ended: its exit code, or 128 when a signal ended it. Never rejects. */
  readonly ended: Promise<number>;

  constructor(command: string, args: readonly string[], options: GroupOptions = {}) {
    this.#command = [command, ...args].join(' ');
    this.#leader = spawn('sh', ['-c', LEASE, 'lease', command, ...args], {
      cwd: options.cwd,
      env: options.env ?? process.env,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer): void => {
      const text = chunk.toString('utf8');
      this.#tail = (this.#tail + text).slice(-TAIL_LIMIT);
      options.onOutput?.(text);
    };
    this.#leader.stdout?.on('data', keep);
    this.#leader.stderr?.on('data', keep);
    this.#leader.stdin?.on('error', () => {}); // EPIPE after the group has gone: nothing to tell it any more
    this.ended = this.#watch();
  }

  /** The last output of the group, both streams. */
  get tail(): string {
    return this.#tail;
  }

  /** The ids of its processes whose command line matches. */
  async processes(matching: RegExp): Promise<number[]> {
    const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,pgid=,args=']);
    const lines = stdout.matchAll(/^ *(\d+) +(\d+) +(.*)$/gm);
    return [...lines].flatMap(([, pid, group, args = '']) =>
      Number(group) === this.#leader.pid && matching.test(args) ? [Number(pid)] : [],
    );
  }

  /** Ends the group: SIGTERM, and SIGKILL for what is still there after a grace of 4 s. */
  async stop(): Promise<void> {
    if (!this.#signal('SIGTERM')) return;
    const patience = new AbortController();
    const late = delay(GRACE_MS, 'late', { signal: patience.signal }).catch(() => 'ended');
    await Promise.race([this.ended, late]);
    patience.abort();
    this.#signal('SIGKILL'); // does nothing when the group has ended
    await this.ended;
  }

  /** Waits for the end of a command that should end by itself with code 0. Rejects with its last output otherwise. */
  async succeeded(limitMs: number): Promise<void> {
    const patience = new AbortController();
    const late = delay(limitMs, 'late' as const, { signal: patience.signal }).catch(() => 'late' as const);
    const outcome = await Promise.race([this.ended, late]);
    patience.abort();
    if (outcome === 0) return;
    await this.stop();
    const what = outcome === 'late' ? `did not end within ${limitMs / 1000} s` : `ended with code ${outcome}`;
    throw new Error(`${this.#command}\n${what}. Its last output:\n${this.#tail.trim()}`);
  }

  #watch(): Promise<number> {
    return new Promise((resolve) => {
      this.#leader.once('error', (error) => {
        this.#tail += error.message;
        resolve(127);
      });
      // The lease goes, and with it whatever the command has left behind.
      this.#leader.once('exit', () => this.#signal('SIGKILL'));
      // Not 'exit': only now the last output has been read.
      this.#leader.once('close', (code) => resolve(code ?? 128));
    });
  }

  #signal(signal: NodeJS.Signals): boolean {
    const pid = this.#leader.pid;
    if (pid === undefined) return false;
    try {
      process.kill(-pid, signal);
      return true;
    } catch {
      return false; // ESRCH: the whole group has ended
    }
  }
}
