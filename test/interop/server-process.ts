import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from './server.ts';

const KNOCK_EVERY_MS = 20;
/** How long a port may be taken after all of a process group is gone. */
const GONE_LIMIT_MS = 5000;
const KEPT_OUTPUT = 20_000;

const running = new Set<ChildProcess>();
let isWatchingExit = false;

/**
 * A server of any language as a process, with all that it starts itself. `SupervisedServer` of the demonstration is
 * for scripts of Node.js that say when they listen; these say so in many ways, so their port is knocked on.
 */
export class ServerProcess implements AsyncDisposable {
  readonly port: number;
  readonly #command: Command;
  readonly #startLimitMs: number;
  #child: ChildProcess | undefined;
  #output = '';

  constructor(command: Command, port: number, startLimitMs = 30_000) {
    this.#command = command;
    this.port = port;
    this.#startLimitMs = startLimitMs;
  }

  /** The last of what it wrote, over all its starts. */
  get output(): string {
    return this.#output;
  }

  /** Starts it and waits until it accepts connections. @throws Error with its last lines when it does not */
  async start(): Promise<void> {
    const child = this.#spawn();
    const endsAt = performance.now() + this.#startLimitMs;
    while (!(await accepts(this.port))) {
      if (this.#child !== child || performance.now() > endsAt) {
        const what = this.#child === child ? 'does not listen' : 'ended before it listened';
        await this.kill();
        throw new Error(
          `the server ${what}\n    ${this.#output.trim().split('\n').slice(-15).join('\n    ')}`,
        );
      }
      await pause(KNOCK_EVERY_MS);
    }
  }

  /** Ends it, and all that it started, with SIGKILL; waits until it is gone and connections are refused. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const gone = once(child, 'close');
    end(child);
    await gone;
    const endsAt = performance.now() + GONE_LIMIT_MS;
    while (await accepts(this.port)) {
      if (performance.now() > endsAt) throw new Error(`port ${this.port} is still taken after the kill`);
      await pause(KNOCK_EVERY_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #spawn(): ChildProcess {
    const { program, args, env, cwd } = this.#command;
    const child = spawn(program, [...args], {
      env: { ...process.env, ...env },
      ...(cwd !== undefined && { cwd }),
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own, so that what it starts itself ends with it.
      detached: process.platform !== 'win32',
    });
    this.#child = child;
    running.add(child);
    endAllAtExit();
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-KEPT_OUTPUT);
      });
    }
    child.once('error', (error) => {
      this.#output += String(error);
    });
    child.once('close', () => {
      running.delete(child);
      if (this.#child === child) this.#child = undefined;
    });
    return child;
  }
}

/** Whether something listens on a port of 127.0.0.1. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function end(child: ChildProcess): void {
  try {
    if (child.pid !== undefined)
      process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
  } catch {
    // It has ended by itself in between.
  }
}

function endAllAtExit(): void {
  if (isWatchingExit) return;
  isWatchingExit = true;
  process.once('exit', () => {
    for (const child of running) end(child);
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
}
