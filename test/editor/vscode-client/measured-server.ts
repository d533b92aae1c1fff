import { setTimeout as delay } from 'node:timers/promises';
import { proxyAnswers } from '../../support/scripted/dialects.ts';
import { rpcError } from '../../support/scripted/reply.ts';
import type { RequestRecord } from '../../support/scripted/request.ts';
import type { Hold } from '../../support/scripted/script.ts';
import { ScriptedServer } from '../../support/scripted-server.ts';
import type { FaultName, RequestKey, RequestTally, Tally } from './measure-calls.ts';
import { resourceUri } from './resource-uri.ts';
import { nameOf, type ServerKey } from './rows.ts';

/** How long an editor has to connect to all servers, in ms. */
const CONNECT_LIMIT_MS = 90_000;
const AWAY_MS = 1_000;

const aCall = { rpc: 'tools/call' };
const invalidParams = rpcError(-32602, 'Invalid params: "key" must be a number', 400);

/** A scripted server with one tool that says nothing about itself, and the faults of the measurement. */
export class MeasuredServer {
  readonly #server: ScriptedServer;
  /** The numbers of the requests that came in a session of the editor's client. */
  readonly #editors = new Set<number>();
  #hold: Hold | undefined;
  #faultOver: Promise<unknown> = Promise.resolve();
  #initializes = 0;
  #streams = 0;
  #from = 0;
  #early: string[] = [];

  private constructor(server: ScriptedServer) {
    this.#server = server;
    server.onRequest((request) => this.#arrived(request));
  }

  static async start(key: ServerKey): Promise<MeasuredServer> {
    const server = await ScriptedServer.start({
      face: { name: nameOf(key), tools: [{ name: 'count' }] },
      style: { answers: key.row === 'cutearly' ? 'json' : 'sse' },
    });
    return new MeasuredServer(server);
  }

  get url(): string {
    return this.#server.url;
  }

  async connected(): Promise<void> {
    await this.#server.answered(this.#anOpenedStream, 1, CONNECT_LIMIT_MS);
    await this.#server.ended(this.#aList, 1, CONNECT_LIMIT_MS);
  }

  begin(): void {
    this.#initializes = this.#server.count(anInitialize);
    this.#streams = this.#server.count(this.#anOpenedStream);
    this.#from = this.#server.requests.length;
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
    return timed(this.#server.answered(this.#anOpenedStream, this.#streams + 1, withinMs));
  }

  async notify(withinMs: number): Promise<{ reached: number; listed: boolean }> {
    const before = this.#server.count(this.#aList);
    const reached = this.#server.sessions.filter((each) => isEditors(each) && each.stream?.open).length;
    this.#server.notify('notifications/tools/list_changed');
    if (reached === 0) return { reached, listed: false };
    return {
      reached,
      listed: (await timed(this.#server.received(this.#aList, before + 1, withinMs))) !== null,
    };
  }

  tally(keys: readonly RequestKey[]): Tally {
    const since = this.#server.requests.slice(this.#from).filter(({ n }) => this.#editors.has(n));
    const unversioned = since.filter(({ protocolVersionHeader }) => protocolVersionHeader === undefined);
    return {
      initializes: this.#server.count(anInitialize) - this.#initializes,
      early: this.#early,
      unversioned: [unversioned.length, since.length],
      requests: keys.map((key) => this.#tallyOf(key)),
    };
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  #tallyOf(request: RequestKey): RequestTally {
    const { kind, key } = request;
    const sent = this.#server.count((each) => isRequestOf(each, request));
    return { kind, key, sent, ran: kind === 'call' ? this.#server.runs(key) : null };
  }

  /**
   * Takes requests as soon as `initialize` was answered. A client that does not wait for the answer to
   * `notifications/initialized` sends it and the next request by two connections, and a busy machine decides which
   * comes first; a server that refused the second one would make that a part of every row.
   */
  #arrived({ n, rpc, id, sessionId = '' }: RequestRecord): void {
    const session = this.#server.sessions.find((each) => each.id === sessionId);
    if (session === undefined) return;
    if (isEditors(session)) this.#editors.add(n);
    if (rpc === undefined || id === undefined) return;
    session.initialized = true;
    if (this.#server.count({ ...anInitialized, sessionId }) === 0) this.#early.push(rpc);
  }

  readonly #anOpenedStream = ({ n, method, status }: RequestRecord): boolean =>
    method === 'GET' && status === 200 && this.#editors.has(n);

  readonly #aList = ({ n, rpc }: RequestRecord): boolean => rpc === 'tools/list' && this.#editors.has(n);

  readonly #faults: Readonly<Record<FaultName, () => unknown>> = {
    'forget-404': () => this.#server.forgetSessions('404-json'),
    'forget-400': () => this.#server.forgetSessions('400-json'),
    'forget-500': () => this.#server.forgetSessions('500-json'),
    'forget-200': () => this.#server.forgetSessions('200-error'),
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
    'cut-answer': () => this.#server.answerNext(aCall, 'cut-stream-after-event-id'),
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
    freeze: () => this.#server.freeze(),
    thaw: () => {
      this.#server.thaw();
      this.#hold?.release();
    },
  };
}

const anInitialized = { rpc: 'notifications/initialized' };

/** The `initialize` of the editor's client, which the gateway hands on as it is. The fleet has a connection of its own. */
function anInitialize({ rpc, message }: RequestRecord): boolean {
  return rpc === 'initialize' && isEditors({ clientInfo: message?.params?.clientInfo });
}

function isEditors({ clientInfo }: { readonly clientInfo: unknown }): boolean {
  return (clientInfo as { name?: unknown } | undefined)?.name !== 'resilient-mcp';
}

function isRequestOf({ rpc, key, message }: RequestRecord, wanted: RequestKey): boolean {
  switch (wanted.kind) {
    case 'call':
      return rpc === 'tools/call' && key === wanted.key;
    case 'resource':
      return rpc === 'resources/read' && message?.params?.uri === resourceUri(wanted.key);
    case 'prompt':
      return rpc === 'prompts/get';
  }
}

/** How long an event took, in ms; null when it did not come in its time. */
async function timed(event: Promise<void>): Promise<number | null> {
  const startedAt = performance.now();
  return event.then(
    () => performance.now() - startedAt,
    () => null,
  );
}
