import { freePort } from '../../harness/free-port.ts';
import { PATIENCE_MS, until } from '../../harness/until.ts';
import { type AnswerStyle, plainStyle } from './scripted/answer-stream.ts';
import { Attendant } from './scripted/attendant.ts';
import type { Dialect } from './scripted/dialects.ts';
import { Listener } from './scripted/listener.ts';
import { ScriptedMcp, type ScriptedSession, type ServerFace } from './scripted/mcp.ts';
import type { Fault } from './scripted/reply.ts';
import type { Matcher, RequestRecord, RpcMessage } from './scripted/request.ts';
import { FaultScript, Hold, type HoldPoint, type Rule } from './scripted/script.ts';
import { SessionBook } from './scripted/session-book.ts';
import { Traffic } from './scripted/traffic.ts';

export interface ScriptedServerOptions {
  /** Loopback address to listen on, or `localhost`. Default `127.0.0.1`. */
  readonly host?: string;
  /** Default: one that is free. */
  readonly port?: number;
  /** Makes session ids; `false`: none are issued. Default random UUIDs. */
  readonly sessionIds?: (() => string) | false;
  /** How right answers look on the wire. */
  readonly style?: Partial<AnswerStyle>;
  /** What the server is from its start; may be changed at any time by `server.face`. */
  readonly face?: Partial<ServerFace>;
}

/**
 * An MCP server of the session era whose every status and byte a test can choose. Left alone it is a right and strict
 * server: initialize, tools that count their runs, resources, log level, a standalone stream, DELETE. Faults are set by
 * {@link answerNext} and its kin; what came is in {@link requests}, what ran in {@link runs}.
 *
 * `close()` ends every connection.
 */
export class ScriptedServer implements AsyncDisposable {
  readonly #mcp = new ScriptedMcp();
  readonly #script = new FaultScript();
  readonly #holds = new Set<Hold>();
  readonly #traffic = new Traffic();
  readonly #book: SessionBook;
  readonly #attendant: Attendant;
  readonly #listener: Listener;
  #asked = 0;

  private constructor(options: ScriptedServerOptions, port: number) {
    const { host = '127.0.0.1', sessionIds, style, face } = options;
    Object.assign(this.#mcp.face, face);
    this.#book = new SessionBook(this.#mcp, sessionIds);
    const stations = {
      mcp: this.#mcp,
      book: this.#book,
      script: this.#script,
      holds: this.#holds,
      traffic: this.#traffic,
    };
    this.#attendant = new Attendant(stations, { ...plainStyle, ...style });
    this.#listener = new Listener(host, port, (request, response, connection) => {
      this.#attendant.serve(request, response, connection).catch((error: unknown) => {
        // A mistake in a test's own hook or reply must not pass for a fault of the client.
        process.emitWarning(error instanceof Error ? error : String(error));
        response.destroy();
      });
    });
  }

  static async start(options: ScriptedServerOptions = {}): Promise<ScriptedServer> {
    const server = new ScriptedServer(options, options.port ?? (await freePort()));
    await server.acceptConnections();
    return server;
  }

  get url(): string {
    return `http://${this.#listener.authority}/mcp`;
  }

  /** Every request, in the order of arrival. */
  get requests(): readonly RequestRecord[] {
    return this.#traffic.requests;
  }

  /** What a client can tell of the server by asking. Change it to play a new build. */
  get face(): ServerFace {
    return this.#mcp.face;
  }

  /** The sessions held now, oldest first. */
  get sessions(): readonly ScriptedSession[] {
    return this.#book.live;
  }

  /** What clients did that the protocol forbids, in words. */
  get violations(): readonly string[] {
    return this.#mcp.violations;
  }

  /** TCP connections: ever made, and open now. */
  get connections(): { readonly made: number; readonly open: number } {
    return { made: this.#listener.connections, open: this.#listener.open };
  }

  /** How right answers look from now on. */
  set style(style: Partial<AnswerStyle>) {
    this.#attendant.style = { ...this.#attendant.style, ...style };
  }

  /** How often a tool ran under this key; without a key, all runs together. */
  runs(key?: string): number {
    if (key !== undefined) return this.#mcp.runs.get(key) ?? 0;
    return [...this.#mcp.runs.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The keys under which a tool ran more than once. */
  get ranTwice(): string[] {
    return [...this.#mcp.runs].filter(([, count]) => count > 1).map(([key]) => key);
  }

  /** How many requests that a matcher means have come. */
  count(matcher: Matcher): number {
    return this.#traffic.count(matcher);
  }

  /** Calls `listener` for every later request when it has arrived and before anything is done with it. */
  onRequest(listener: (request: RequestRecord) => void): { dispose(): void } {
    return this.#traffic.onArrival(listener);
  }

  /** Waits until `count` requests in all have come that the matcher means, those before this call included. */
  received(matcher: Matcher, count = 1, timeoutMs = PATIENCE_MS): Promise<void> {
    return this.#traffic.until('received', matcher, count, timeoutMs);
  }

  /** Waits until the answers to `count` such requests have begun, those before this call included. */
  answered(matcher: Matcher, count = 1, timeoutMs = PATIENCE_MS): Promise<void> {
    return this.#traffic.until('answered', matcher, count, timeoutMs);
  }

  /** Waits until `count` such exchanges are over, in whatever way. */
  ended(matcher: Matcher, count = 1, timeoutMs = PATIENCE_MS): Promise<void> {
    return this.#traffic.until('ended', matcher, count, timeoutMs);
  }

  /** Spoils the next `times` requests that the matcher means. */
  answerNext(matcher: Matcher, fault: Fault, times = 1): Rule {
    return this.#script.add(matcher, fault, times);
  }

  /** Spoils every such request until the rule is disposed of. */
  answerAlways(matcher: Matcher, fault: Fault): Rule {
    return this.#script.add(matcher, fault, Number.POSITIVE_INFINITY);
  }

  /** Keeps such exchanges at a point until they are let go. */
  hold(matcher: Matcher, point: HoldPoint = 'before-answer'): Hold {
    const hold = new Hold(matcher, point);
    this.#holds.add(hold);
    return hold;
  }

  /** Forgets every session; their ids are answered in the dialect from now on. Connections and streams stay as they are. */
  forgetSessions(dialect?: Dialect): void {
    this.#book.forget(dialect);
  }

  /** Answers every request that carries a session id in the dialect, ids issued a moment ago included. */
  refuseEverySession(dialect: Dialect): Disposable {
    this.#book.refuseAll(dialect);
    return { [Symbol.dispose]: () => this.#book.refuseAll(undefined) };
  }

  /** What a client sees of a restart: connections cut, sessions unknown, the same port. */
  async restart(dialect?: Dialect): Promise<void> {
    await this.refuseConnections();
    this.forgetSessions(dialect);
    await this.acceptConnections();
  }

  /** Closes the port and cuts every connection. Sessions are kept. */
  refuseConnections(): Promise<void> {
    return this.#listener.refuse();
  }

  acceptConnections(): Promise<void> {
    return this.#listener.accept();
  }

  /** Cuts every connection and goes on listening: pooled sockets of a client are dead now. */
  cutConnections(how: 'close' | 'reset' = 'close'): void {
    this.#listener.cutAll(how);
  }

  /** Plays a peer that vanished: present connections stay open and are dead for ever, new ones are served. */
  abandonConnections(): void {
    this.#listener.abandon();
  }

  /** Stops as SIGSTOP does: connections are made, and nothing is read or written until `thaw()`. */
  freeze(): void {
    this.#listener.freeze();
  }

  /** Goes on, beginning with the requests that came meanwhile, whether or not their clients still wait. */
  thaw(): void {
    this.#listener.thaw();
  }

  /** Ends the standalone stream of every live session, in good order or by a reset. */
  closeGetStreams(how: 'end' | 'reset' = 'end'): void {
    for (const session of this.sessions) session.stream?.cut(how);
  }

  /** Sends a notification on the standalone stream of every session that has one open; gives their number. */
  notify(method: string, params?: Record<string, unknown>): number {
    return this.#push({ jsonrpc: '2.0', method, ...(params ? { params } : {}) }, () => true);
  }

  /** Sends what a test has written on the standalone stream of every session that has one open. */
  say(message: RpcMessage | readonly RpcMessage[]): void {
    for (const session of this.sessions) session.stream?.send(message as RpcMessage);
  }

  /** Writes a comment on the standalone stream of every session, as servers do at regular times to keep it alive. */
  beat(): void {
    for (const { stream } of this.sessions) stream?.beat();
  }

  /** Tells every session that subscribed to a resource that it changed; gives the number of those reached. */
  updateResource(uri: string): number {
    const message = { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } };
    return this.#push(message, (session) => session.subscriptions.has(uri));
  }

  /** Sends a request on the standalone stream of the newest session, and waits for the client's answer to it. */
  async ask(
    method: string,
    params: Record<string, unknown> = {},
    timeoutMs = PATIENCE_MS,
  ): Promise<RpcMessage> {
    const id = `server-${++this.#asked}`;
    const session = this.sessions.findLast((each) => each.stream?.open);
    if (!session) throw new Error('no session has a standalone stream open');
    const answer = until<RequestRecord>(
      (listener) => this.onRequest(listener),
      (request) => request.rpc === undefined && request.id === id,
      { timeoutMs, what: `the client's answer to ${method}` },
    );
    session.sent.add(id);
    session.stream?.send({ jsonrpc: '2.0', id, method, params });
    return (await answer).message ?? {};
  }

  /** Ends every connection and lets go of everything held. */
  async close(): Promise<void> {
    await this.#listener.refuse();
    for (const hold of this.#holds) hold.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #push(message: RpcMessage, to: (session: ScriptedSession) => boolean): number {
    const reached = this.sessions.filter((session) => session.stream?.open && to(session));
    for (const session of reached) session.stream?.send(message);
    return reached.length;
  }
}
