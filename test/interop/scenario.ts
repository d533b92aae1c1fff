import { setTimeout as pause } from 'node:timers/promises';
import { textOf } from '../support/sdk-client.ts';
import { CALLS_AT_ONCE, callAtOnce } from './calls.ts';
import { interview } from './interview.ts';
import type { CaseName, CaseResult, ServerRecord, WayName } from './record.ts';
import { countingTool, type InteropServer } from './server.ts';
import { Stage } from './stage.ts';
import { type Reached, ways } from './way.ts';

/** How long it stays away. */
export const OUTAGE_MS = 2000;
const CALL_LIMIT_MS = 60_000;

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
    if (sessionId === undefined) return notOffered('no ids');
    if (this.#stage.server.holdsOneSession) return notOffered('takes no other');
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

  async #called(name: CaseName, backAt?: number | Promise<number>, first = 0): Promise<CaseResult> {
    const { client, connection } = this.#reached;
    const tool = this.#stage.server.tool ?? countingTool;
    const call = async (key: string) => {
      const params = { name: tool.name, arguments: { ...tool.arguments(key) } };
      return textOf(await client.callTool(params, undefined, { timeout: CALL_LIMIT_MS }));
    };
    const echoes = tool === countingTool;
    const asked = { stage: this.#stage, caller: this.#way, name, call, echoes, first };
    const result = await callAtOnce({ ...asked, ...(backAt !== undefined && { backAt }) });
    return { ...result, generation: connection.snapshot().generation };
  }
}

/** The answers that a server gives to questions by hand. */
export async function askServer(
  server: InteropServer,
  folder: string,
): Promise<Pick<ServerRecord, 'hasSessions' | 'answers'>> {
  await using stage = await Stage.set(server, folder);
  // Awaited here: what is returned unsettled outlives the stage.
  return await interview(stage.process, stage.ownUrl, server.holdsOneSession === true);
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
    idle: notOffered('cannot be set'),
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
