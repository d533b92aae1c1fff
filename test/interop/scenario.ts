import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../../examples/demo/free-port.ts';
import { scratchFolder } from '../support/scratch.ts';
import { textOf } from '../support/sdk-client.ts';
import { CountingProxy } from './counting-proxy.ts';
import { interview } from './interview.ts';
import type { CaseName, CaseResult, ServerRecord, WayName } from './record.ts';
import { countingTool, type InteropServer } from './server.ts';
import { accepts, ServerProcess } from './server-process.ts';
import { type Reached, ways } from './way.ts';

const CALLS_AT_ONCE = 5;
const OUTAGE_MS = 2000;
const CALL_LIMIT_MS = 60_000;
const KEY = /key-[a-z]+-[a-z]+-\d+/;

/** A server that runs, where it is reached, and how the runs of its tool are counted. */
class Stage implements AsyncDisposable {
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

/** One way to one server: calls in each case, and what came of them. */
class Visit {
  readonly #stage: Stage;
  readonly #reached: Reached;
  readonly #way: WayName;

  constructor(stage: Stage, reached: Reached, way: WayName) {
    this.#stage = stage;
    this.#reached = reached;
    this.#way = way;
  }

  async calls(): Promise<CaseResult> {
    const { tools } = await this.#reached.client.listTools();
    const { name } = this.#stage.server.tool ?? countingTool;
    if (!tools.some((tool) => tool.name === name)) throw new Error(`it lists no tool ${name}`);
    return this.#called('calls');
  }

  async restart(): Promise<CaseResult> {
    await this.#stage.kill();
    await this.#stage.start();
    return this.#called('restart', performance.now());
  }

  async outage(): Promise<CaseResult> {
    await this.#stage.kill();
    const backAt = Promise.withResolvers<number>();
    const called = this.#called('outage', backAt.promise);
    await pause(OUTAGE_MS);
    await this.#stage.start();
    backAt.resolve(performance.now());
    return called;
  }

  async ended(): Promise<CaseResult> {
    const { sessionId } = this.#reached.connection;
    if (sessionId === undefined) return notOffered('it gives its sessions no ids');
    const { status } = await fetch(this.#stage.ownUrl, {
      method: 'DELETE',
      headers: { 'mcp-session-id': sessionId, accept: 'application/json, text/event-stream' },
    });
    const result = await this.#called('ended');
    return { ...result, detail: [`DELETE: ${status}`, result.detail].filter(Boolean).join('; ') };
  }

  /** The way to it is cut: a stream that is held open counts as use, and would keep the session. */
  async idle(goneMs: number): Promise<CaseResult> {
    await this.#called('idle');
    const { generation } = this.#reached.connection.snapshot();
    await this.#stage.cut();
    // The clock that has to pass is that of the server, in its own process.
    await pause(goneMs);
    await this.#stage.join();
    const result = await this.#called('idle', performance.now(), CALLS_AT_ONCE);
    const isKept = result.generation === generation;
    return isKept ? { ...result, outcome: 'failed', detail: 'the session did not end' } : result;
  }

  /** Calls at once, each with a key of its own, and what the server's count says of them. */
  async #called(name: CaseName, backAt?: number | Promise<number>, first = 0): Promise<CaseResult> {
    const { client, connection } = this.#reached;
    const tool = this.#stage.server.tool ?? countingTool;
    const keys = Array.from(
      { length: CALLS_AT_ONCE },
      (_, index) => `key-${this.#way}-${name}-${first + index}`,
    );
    let answeredAt: number | undefined;
    const failures: string[] = [];
    const call = async (key: string) => {
      try {
        const params = { name: tool.name, arguments: { ...tool.arguments(key) } };
        const text = textOf(await client.callTool(params, undefined, { timeout: CALL_LIMIT_MS }));
        answeredAt ??= performance.now();
        if (tool === countingTool && !text.includes(key)) failures.push(`${key}: ${text}`);
      } catch (error) {
        failures.push(`${key}: ${String(error)}`);
      }
    };
    await Promise.all(keys.map(call));
    const runs = this.#stage.runs;
    const timesOf = (key: string) => runs.filter((each) => each === key).length;
    const unseen = keys.filter((key) => timesOf(key) === 0).length;
    const twice = keys.filter((key) => timesOf(key) > 1).length;
    const miscounted = unseen > failures.length ? [`${unseen} calls are not in the count`] : [];
    const since = await backAt;
    const isWell = failures.length + twice + miscounted.length === 0;
    const detail = [...miscounted, ...failures.slice(0, 1)].join('; ');
    return {
      outcome: isWell ? 'passed' : 'failed',
      calls: keys.length,
      lost: failures.length,
      twice,
      ...(since !== undefined && answeredAt !== undefined && { backMs: Math.round(answeredAt - since) }),
      generation: connection.snapshot().generation,
      ...(detail && { detail }),
    };
  }
}

/** The answers that a server gives to questions by hand. */
export async function askServer(
  server: InteropServer,
  folder: string,
): Promise<Pick<ServerRecord, 'hasSessions' | 'answers'>> {
  await using stage = await Stage.set(server, folder);
  // Awaited here: what is returned unsettled outlives the stage.
  return await interview(stage.process, stage.ownUrl);
}

/** Every case, by one way. Never rejects; a case that cannot be tried for what went wrong before it has failed. */
export async function visitServer(
  server: InteropServer,
  folder: string,
  way: WayName,
): Promise<Readonly<Record<CaseName, CaseResult>>> {
  const results: Record<CaseName, CaseResult> = {
    calls: failed('not tried'),
    restart: failed('not tried'),
    outage: failed('not tried'),
    ended: failed('not tried'),
    idle: notOffered('it has no idle expiry that can be set'),
  };
  const tried = async (name: CaseName, act: () => Promise<CaseResult>) => {
    results[name] = await act().catch((error: unknown) => failed(String(error)));
  };
  const visiting = async (names: readonly CaseName[], idleMs?: number, goneMs = 0) => {
    await using stage = await Stage.set(server, folder, idleMs);
    await using reached = await ways[way](stage.url);
    const visit = new Visit(stage, reached, way);
    for (const name of names) await tried(name, () => (name === 'idle' ? visit.idle(goneMs) : visit[name]()));
  };
  await visiting(['calls', 'restart', 'outage', 'ended']).catch((error: unknown) => {
    if (results.calls.detail === 'not tried') results.calls = failed(String(error));
  });
  const { idleExpiry } = server;
  if (idleExpiry) {
    await visiting(['idle'], idleExpiry.afterMs, idleExpiry.goneMs).catch((error: unknown) => {
      results.idle = failed(String(error));
    });
  }
  return results;
}

const failed = (detail: string): CaseResult => ({ outcome: 'failed', calls: 0, lost: 0, twice: 0, detail });

const notOffered = (detail: string): CaseResult => ({
  outcome: 'not offered',
  calls: 0,
  lost: 0,
  twice: 0,
  detail,
});
