import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

/** Output that is kept of a group for error messages, in characters. */
const TAIL_LIMIT = 16_384;

/** How long a group has between SIGTERM and SIGKILL, in ms. */
const GRACE_MS = 4_000;

/**
 * The lease: the group reads its standard input, which is a pipe from us. The pipe closes when we end it, or when
 * this process dies in whatever way, SIGKILL included; then the group ends itself.
 */
const LEASE = 'exec 3<&0; (cat <&3 >/dev/null; kill -TERM 0) & "$@" </dev/null 3<&-';

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

  /** Ends the group: SIGTERM, and SIGKILL for what is still there after a grace of 4 s. */
  async stop(): Promise<void> {
    if (!this.#signal('SIGTERM')) return;
    const patience = new AbortController();
    const late = delay(GRACE_MS, 'late', { signal: patience.signal }).catch(() => 'ended');
    await Promise.race([this.ended, late]);
    patience.abort();
    this.#signal('SIGKILL');
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

  async #watch(): Promise<number> {
    try {
      const [code] = (await once(this.#leader, 'exit')) as [number | null];
      return code ?? 128;
    } catch (error) {
      this.#tail += String(error);
      return 127;
    } finally {
      this.#leader.stdin?.end(); // ends the lease, and with it whatever the leader has left behind
    }
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
