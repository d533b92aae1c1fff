import { freePort } from '../../harness/free-port.ts';
import { everythingServer, ledgerServer } from '../../harness/programs.ts';
import { type ServerProgram, SupervisedServer } from '../../harness/supervised-server.ts';
import { Account } from './account.ts';
import type { ClientModule } from './built-client.ts';
import { Caller } from './caller.ts';
import { connectPlain, connectResilient, type DemoConnection } from './connection.ts';
import { EverythingErrands, LedgerErrands } from './errands.ts';

/** One server of the demo with the client that calls it. */
export interface Pair<Errands> {
  readonly server: SupervisedServer;
  readonly errands: Errands;
  readonly caller: Caller;
}

export interface SceneOptions {
  /** The client library; undefined: the SDK's own transport. */
  readonly library: ClientModule | undefined;
  /** Path of the ledger file. */
  readonly file: string;
}

const INTERVAL_MS = 200;
/** The SDK's transport leaves a call whose server died without an answer, so that its owner's patience decides. */
const TIMEOUT_MS = { resilient: 30_000, plain: 3000 };

/** A client that has lost its session loses every call; one line in this time says so. */
const LOSSES_MS = 3000;

/** Everything that is on stage: two servers, two connections, two callers, and the account of it. */
export class Scene {
  readonly account: Account;
  readonly #options: SceneOptions;
  readonly #servers: SupervisedServer[] = [];
  readonly #connections: DemoConnection[] = [];
  readonly #callers: Caller[] = [];
  #ledger: Pair<LedgerErrands> | undefined;
  #everything: Pair<EverythingErrands> | undefined;

  private constructor(options: SceneOptions) {
    this.#options = options;
    this.account = new Account(process.stdout, () => this.#progress());
  }

  /** Starts both servers and connects to them. Callers don't call yet. */
  static async open(options: SceneOptions): Promise<Scene> {
    const scene = new Scene(options);
    try {
      scene.#ledger = await scene.#pair(
        ledgerServer({ port: await freePort(), file: options.file }),
        (connection, settings) => new LedgerErrands(connection.client, settings),
      );
      scene.#everything = await scene.#pair(
        everythingServer(await freePort()),
        (connection, settings) => new EverythingErrands(connection.client, settings),
      );
      return scene;
    } catch (error) {
      await scene.close();
      throw error;
    }
  }

  get ledger(): Pair<LedgerErrands> {
    return present(this.#ledger);
  }

  get everything(): Pair<EverythingErrands> {
    return present(this.#everything);
  }

  get calls(): number {
    return this.#sum((caller) => caller.calls);
  }

  get lost(): number {
    return this.#sum((caller) => caller.lost);
  }

  get sessions(): number {
    return this.#connections.reduce((sum, connection) => sum + connection.sessions(), 0);
  }

  begin(): void {
    for (const caller of this.#callers) caller.begin();
  }

  /** Begins no more calls, and waits until each has its answer or is lost. */
  async finish(): Promise<void> {
    await Promise.all(this.#callers.map((caller) => caller.finish()));
  }

  /** Ends everything, whatever goes on. */
  async close(): Promise<void> {
    for (const caller of this.#callers) caller.halt();
    for (const connection of this.#connections) await connection.close();
    for (const server of this.#servers) await server.stop();
    this.account.close();
  }

  async #pair<Errands extends { short(n: number): Promise<void> }>(
    program: ServerProgram,
    make: (
      connection: DemoConnection,
      settings: { timeoutMs: number; remark: (words: string) => void },
    ) => Errands,
  ): Promise<Pair<Errands>> {
    const { name } = program;
    const server = await SupervisedServer.start(program);
    this.#servers.push(server);
    this.account.tell(name, `listens on port ${server.port}, process ${server.pid}`);
    const connection = await this.#connect(name, server.url);
    this.#connections.push(connection);
    // The transport learns from this list which tools may be called again when it is not known whether they ran.
    await connection.client.listTools();
    const timeoutMs = this.#options.library ? TIMEOUT_MS.resilient : TIMEOUT_MS.plain;
    const errands = make(connection, {
      timeoutMs,
      remark: (words) => this.account.tell(name, words, 'good'),
    });
    const caller = new Caller((n) => errands.short(n), {
      intervalMs: INTERVAL_MS,
      onLost: (reason) => this.account.gather(name, `lost: ${firstLine(reason)}`, 'bad', LOSSES_MS),
    });
    this.#callers.push(caller);
    return { server, errands, caller };
  }

  #connect(name: string, url: string): Promise<DemoConnection> {
    const { library } = this.#options;
    return library
      ? connectResilient(library, url, (entry) => this.account.fact(name, entry))
      : connectPlain(url);
  }

  #sum(of: (caller: Caller) => number): number {
    return this.#callers.reduce((sum, caller) => sum + of(caller), 0);
  }

  #progress(): string {
    const answered = this.#sum((caller) => caller.answered);
    const waiting = this.#sum((caller) => caller.waiting);
    return `${this.calls} calls: ${answered} answered, ${waiting} under way, ${this.lost} lost; sessions ${this.sessions}`;
  }
}

function firstLine(reason: unknown): string {
  const words = reason instanceof Error ? reason.message : String(reason);
  return (words.split('\n')[0] ?? '').slice(0, 160);
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the scene is not open');
  return value;
}
