import { setTimeout as delay } from 'node:timers/promises';
import { proxyAnswers } from '../../support/scripted/dialects.ts';
import { rpcError } from '../../support/scripted/reply.ts';
import type { RequestRecord } from '../../support/scripted/request.ts';
import type { Hold } from '../../support/scripted/script.ts';
import { ScriptedServer } from '../../support/scripted-server.ts';
import type { FaultName, Tally } from './measure-calls.ts';
import type { ServerKey } from './rows.ts';

/** How long an editor has to connect to all servers, in ms. */
const CONNECT_LIMIT_MS = 90_000;
const AWAY_MS = 1_000;

const aCall = { rpc: 'tools/call' };
const anInitialize = { rpc: 'initialize' };
const anInitialized = { rpc: 'notifications/initialized' };
const invalidParams = rpcError(-32602, 'Invalid params: "key" must be a number', 400);
const anOpenedStream = ({ method, status }: RequestRecord): boolean => method === 'GET' && status === 200;

/** A scripted server with one tool that says nothing about itself, and the faults of the measurement. */
export class MeasuredServer {
  readonly #server: ScriptedServer;
  #hold: Hold | undefined;
  #faultOver: Promise<unknown> = Promise.resolve();
  #initializes = 0;
  #streams = 0;
  #early: string[] = [];

  private constructor(server: ScriptedServer) {
    this.#server = server;
    server.onRequest((request) => this.#letIn(request));
  }

  /** Its name is the row's, so that the editor's tools tell their servers. */
  static async start({ row }: ServerKey): Promise<MeasuredServer> {
    const server = await ScriptedServer.start({
      face: { name: row, tools: [{ name: 'count' }] },
      style: { answers: row === 'cutearly' ? 'json' : 'sse' },
    });
    return new MeasuredServer(server);
  }

  get url(): string {
    return this.#server.url;
  }

  async connected(): Promise<void> {
    await this.#server.answered(anOpenedStream, 1, CONNECT_LIMIT_MS);
  }

  begin(): void {
    this.#initializes = this.#server.count(anInitialize);
    this.#streams = this.#server.count(anOpenedStream);
    this.#early = [];
  }

  async spoil(fault: FaultName): Promise<void> {
    await this.#faults[fault]();
  }

  async faultOver(): Promise<void> {
    await this.#faultOver;
  }

  async callHeld(): Promise<void> {
    await this.#hold?.arrived();
  }

  sessionAgain(withinMs: number): Promise<number | null> {
    return timed(this.#server.received(anInitialize, this.#initializes + 1, withinMs));
  }

  streamAgain(withinMs: number): Promise<number | null> {
    return timed(this.#server.answered(anOpenedStream, this.#streams + 1, withinMs));
  }

  async notify(withinMs: number): Promise<{ reached: number; listed: boolean }> {
    const aList = { rpc: 'tools/list' };
    const before = this.#server.count(aList);
    const reached = this.#server.notify('notifications/tools/list_changed');
    if (reached === 0) return { reached, listed: false };
    return { reached, listed: (await timed(this.#server.received(aList, before + 1, withinMs))) !== null };
  }

  tally(keys: readonly string[]): Tally {
    return {
      initializes: this.#server.count(anInitialize) - this.#initializes,
      early: this.#early,
      calls: keys.map((key) => ({
        key,
        sent: this.#server.count({ ...aCall, key }),
        ran: this.#server.runs(key),
      })),
    };
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  /**
   * Takes requests as soon as `initialize` was answered. A client that does not wait for the answer to
   * `notifications/initialized` sends it and the next request by two connections, and a busy machine decides which
   * comes first; a server that refused the second one would make that a part of every row.
   */
  #letIn({ rpc, id, sessionId = '' }: RequestRecord): void {
    const session = this.#server.sessions.find((each) => each.id === sessionId);
    if (session === undefined || rpc === undefined || id === undefined) return;
    session.initialized = true;
    if (this.#server.count({ ...anInitialized, sessionId }) === 0) this.#early.push(rpc);
  }

  readonly #faults: Readonly<Record<FaultName, () => unknown>> = {
    'forget-404': () => this.#server.forgetSessions('404-json'),
    'forget-400': () => this.#server.forgetSessions('400-json'),
    '404-for-a-second': () => {
      this.#server.forgetSessions('404-json');
      const rule = this.#server.answerAlways({}, proxyAnswers.notFound);
      this.#faultOver = delay(AWAY_MS).then(() => rule.dispose());
    },
    'one-503': () => this.#server.answerNext(aCall, { status: 503 }),
    'one-503-after-run': () => this.#server.answerNext(aCall, { status: 503, afterRun: true }),
    'one-400': () => this.#server.answerNext(aCall, invalidParams),
    'one-400-after-run': () =>
      this.#server.answerNext(aCall, (request) => ({ ...invalidParams(request), afterRun: true })),
    'end-stream-and-forget': () => {
      this.#server.closeGetStreams();
      this.#server.forgetSessions('404-json');
    },
    'hold-call': () => {
      this.#hold = this.#server.hold(aCall);
    },
    restart: async () => {
      await this.#server.restart('404-json');
      this.#hold?.release();
    },
    'go-away': async () => {
      await this.#server.refuseConnections();
      this.#server.forgetSessions('404-json');
    },
    'come-back': () => this.#server.acceptConnections(),
  };
}

/** How long an event took, in ms; null when it did not come in its time. */
async function timed(event: Promise<void>): Promise<number | null> {
  const startedAt = performance.now();
  return event.then(
    () => performance.now() - startedAt,
    () => null,
  );
}
