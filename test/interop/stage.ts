import { existsSync, readFileSync } from 'node:fs';
import { freePort } from '../../harness/free-port.ts';
import { scratchFolder } from '../support/scratch.ts';
import { CountingProxy } from './counting-proxy.ts';
import type { InteropServer } from './server.ts';
import { accepts, ServerProcess } from './server-process.ts';

/** The keys of calls. */
const KEY = /key-[a-z]+-[a-z]+-\d+/;

/** A server that runs, where it is reached, and how the runs of its tool are counted. */
export class Stage implements AsyncDisposable {
  readonly server: InteropServer;
  readonly #scratch = scratchFolder();
  readonly #ledger = this.#scratch.file('ledger');
  readonly #process: ServerProcess;
  readonly #proxy: CountingProxy | undefined;

  private constructor(server: InteropServer, folder: string, port: number, idleMs: number | undefined) {
    this.server = server;
    const command = server.command({ folder, port, ledger: this.#ledger, idleMs });
    const env = { INTEROP_LEDGER: this.#ledger, ...command.env };
    this.#process = new ServerProcess({ ...command, env }, port, server.startLimitMs);
    this.#proxy = server.tool || idleMs !== undefined ? new CountingProxy(port, KEY) : undefined;
  }

  static async set(server: InteropServer, folder: string, idleMs?: number): Promise<Stage> {
    const stage = new Stage(server, folder, await freePort(), idleMs);
    try {
      await stage.start();
      return stage;
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
  }

  get process(): ServerProcess {
    return this.#process;
  }

  /** Where clients reach it. */
  get url(): string {
    return this.#urlOn(this.#proxy?.port ?? this.#process.port);
  }

  /** Where the server itself is, with nothing in front of it. */
  get ownUrl(): string {
    return this.#urlOn(this.#process.port);
  }

  /** The keys of the calls that have run, oldest first. */
  get runs(): readonly string[] {
    if (this.server.tool && this.#proxy) return this.#proxy.runs;
    return existsSync(this.#ledger) ? readFileSync(this.#ledger, 'utf8').split('\n').filter(Boolean) : [];
  }

  async start(): Promise<void> {
    await this.#process.start();
    await this.#proxy?.open();
  }

  /**
   * Kills it. By the time this settles, the ends of all connections have been read: a call that goes out afterwards
   * meets a server that is away, and is not under way when it goes.
   */
  async kill(): Promise<void> {
    await this.#process.kill();
    await this.#proxy?.shut();
    await accepts(this.#proxy?.port ?? this.#process.port);
  }

  /** Cuts the way to it, which then refuses connections; the server goes on. Only where its idleness is tried. */
  async cut(): Promise<void> {
    await this.#proxy?.shut();
  }

  async join(): Promise<void> {
    await this.#proxy?.open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#scratch[Symbol.dispose]();
  }

  #urlOn(port: number): string {
    return `http://127.0.0.1:${port}${this.server.path ?? '/mcp'}`;
  }
}
