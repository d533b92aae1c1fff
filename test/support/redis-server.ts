import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../../harness/free-port.ts';

const program = 'redis-server';

/** Describes what needs a redis-server. Without one it is skipped, with the reason in its name. */
export const describeWithRedis: (title: string, suite: (this: Mocha.Suite) => void) => void = (
  title,
  suite,
) => {
  if (spawnSync(program, ['--version']).status === 0) describe(title, suite);
  else describe.skip(`${title} (skipped: ${program} is not here; npm run set-up)`, suite);
};

/** A Redis of the test's own, on a free port, which can be killed and started again with what it has kept. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'redis-'));
  #child: ReturnType<typeof spawn> | undefined;

  constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort());
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it, and waits for its word that it takes connections. */
  async start(): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes'];
    const child = spawn(program, [...args, '--appendfsync', 'always', '--dir', this.#folder]);
    this.#child = child;
    process.once('exit', this.#killNow);
    const lines = createInterface({ input: child.stdout });
    const said: string[] = [];
    for await (const line of lines) {
      said.push(line);
      if (/Ready to accept connections/i.test(line)) {
        lines.close();
        child.stdout.resume();
        return;
      }
    }
    throw new Error(`${program} did not start:\n${said.join('\n')}`);
  }

  /** Ends it with SIGKILL. What it has written is still there for the next start. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const gone = once(child, 'exit');
    this.#killNow();
    await gone;
    this.#child = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    process.off('exit', this.#killNow);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  readonly #killNow = (): void => {
    this.#child?.kill('SIGKILL');
  };
}
