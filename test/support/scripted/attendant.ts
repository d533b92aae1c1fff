import type { IncomingMessage, ServerResponse } from 'node:http';
import { AnswerStream, type AnswerStyle, bodySink, parseEventId, styleHeaders } from './answer-stream.ts';
import { Exchange } from './exchange.ts';
import type { ScriptedMcp, ScriptedSession } from './mcp.ts';
import { type Fault, lets, type Reply, refusal, reset, writeReply } from './reply.ts';
import type { RequestRecord, RpcMessage } from './request.ts';
import type { FaultScript, Hold, HoldPoint } from './script.ts';
import type { SessionBook } from './session-book.ts';
import type { Traffic } from './traffic.ts';

/** What an exchange meets on its way. */
export interface Stations {
  readonly mcp: ScriptedMcp;
  readonly book: SessionBook;
  readonly script: FaultScript;
  readonly holds: ReadonlySet<Hold>;
  readonly traffic: Traffic;
}

/** Leads each exchange from its arrival to its end: record, fault, hold, admission, run, hold, answer. */
export class Attendant {
  style: AnswerStyle;
  readonly #mcp: ScriptedMcp;
  readonly #book: SessionBook;
  readonly #script: FaultScript;
  readonly #holds: ReadonlySet<Hold>;
  readonly #traffic: Traffic;
  readonly #streams = new Map<string, AnswerStream>();

  constructor(stations: Stations, style: AnswerStyle) {
    this.#mcp = stations.mcp;
    this.#book = stations.book;
    this.#script = stations.script;
    this.#holds = stations.holds;
    this.#traffic = stations.traffic;
    this.style = style;
  }

  /** @param connection running number of the TCP connection */
  async serve(request: IncomingMessage, response: ServerResponse, connection: number): Promise<void> {
    const exchange = await Exchange.read(request, response, connection);
    if (!exchange) return;
    const { record } = exchange;
    response.once('close', () => {
      exchange.close();
      this.#traffic.changed(record);
    });
    record.n = this.#traffic.requests.length + 1;
    this.#traffic.add(record);
    const scripted = this.#script.take(record);
    const fault = typeof scripted === 'function' ? scripted(record) : scripted;
    if (fault !== undefined && !lets(fault)) return this.#spoil(exchange, fault);
    await this.#pass('before-run', record, undefined);
    if (exchange.gone) return;
    await this.#admitted(exchange, fault);
  }

  async #admitted(exchange: Exchange, fault: Fixed | undefined): Promise<void> {
    const { record } = exchange;
    const admission = this.#book.admit(record);
    if ('refusal' in admission) return this.#reply(exchange, admission.refusal);
    const { session } = admission;
    if (record.method === 'GET') return this.#openStream(exchange, session, fault);
    if (record.method === 'DELETE') this.#book.remove(session);
    else if (record.rpc !== undefined && record.id !== undefined)
      return this.#answer(exchange, session, fault);
    else this.#mcp.accept(record, session);
    if (fault !== undefined) return this.#spoil(exchange, fault);
    await this.#reply(exchange, { status: record.method === 'DELETE' ? 200 : 202 });
    if (record.method === 'DELETE') session.stream?.finish();
  }

  async #answer(exchange: Exchange, session: ScriptedSession, fault: Fixed | undefined): Promise<void> {
    const { record } = exchange;
    const message = this.#mcp.run(record, session);
    const style = styleUnder(fault, this.style);
    if (style === undefined) return this.#spoil(exchange, fault as Fixed);
    if (style.answers === 'json') {
      await this.#pass('before-answer', record, undefined);
      return this.#answerJson(exchange, session, message, style);
    }
    const stream = this.#newStream(`post${record.n}`, style);
    this.#status(exchange, 200);
    stream.attach(exchange.response, sessionHeader(session));
    if (fault === undefined) await this.#pass('before-answer', record, stream);
    else this.#cut(exchange, stream, fault);
    stream.send(message);
    stream.finish();
  }

  #answerJson(exchange: Exchange, session: ScriptedSession, message: RpcMessage, style: AnswerStyle): void {
    if (exchange.gone) return;
    const { response } = exchange;
    this.#status(exchange, 200);
    response.writeHead(200, {
      'content-type': 'application/json',
      ...sessionHeader(session),
      ...styleHeaders(style),
    });
    const sink = bodySink(response, style);
    sink.write(JSON.stringify(message));
    sink.end();
  }

  async #openStream(exchange: Exchange, session: ScriptedSession, fault: Fixed | undefined): Promise<void> {
    const { record, response } = exchange;
    const style = styleUnder(fault, this.style);
    if (style === undefined) return this.#spoil(exchange, fault as Fixed);
    const resumed = record.lastEventId === undefined ? undefined : parseEventId(record.lastEventId);
    const stream = resumed ? this.#streams.get(resumed.stream) : this.#newStream(`get${record.n}`, style);
    if (!stream || (record.lastEventId !== undefined && !resumed)) {
      return this.#reply(exchange, refusal(400, -32000, 'Invalid event ID format'));
    }
    if (resumed ? stream.open : session.stream?.open) {
      return this.#reply(
        exchange,
        refusal(409, -32000, 'Conflict: Only one SSE stream is allowed per session'),
      );
    }
    if (!resumed) session.stream = stream;
    this.#status(exchange, 200);
    stream.attach(response, sessionHeader(session), resumed?.event);
    if (fault !== undefined) this.#cut(exchange, stream, fault);
  }

  #cut(exchange: Exchange, stream: AnswerStream, fault: Fixed): void {
    exchange.markCut();
    stream.cut(fault === 'cut-stream-after-event-id' ? 'reset' : 'end');
  }

  #newStream(name: string, style: AnswerStyle): AnswerStream {
    const stream = new AnswerStream(name, style);
    if (style.eventIds) this.#streams.set(name, stream);
    return stream;
  }

  async #spoil(exchange: Exchange, fault: Fixed): Promise<void> {
    if (typeof fault === 'object') return this.#reply(exchange, fault);
    exchange.markCut();
    if (fault.startsWith('hang')) return;
    reset(exchange.response);
  }

  async #reply(exchange: Exchange, reply: Reply): Promise<void> {
    if (exchange.gone) return;
    if ('status' in reply) this.#status(exchange, reply.status);
    if (reply.ending === 'reset') exchange.markCut();
    await writeReply(exchange.response, reply);
  }

  async #pass(point: HoldPoint, request: RequestRecord, stream: AnswerStream | undefined): Promise<void> {
    for (const hold of this.#holds) await hold.pass(point, request, stream);
  }

  #status(exchange: Exchange, status: number): void {
    exchange.record.status = status;
    this.#traffic.changed(exchange.record);
  }
}

/** A fault whose reply, if it has one, is made. */
type Fixed = Exclude<Fault, (request: RequestRecord) => Reply>;

/** The style of an answer under a fault; undefined when not a byte of the answer is to be sent. */
function styleUnder(fault: Fixed | undefined, style: AnswerStyle): AnswerStyle | undefined {
  if (fault === undefined) return style;
  if (fault === 'end-stream') return { ...style, answers: 'sse', eventIds: false };
  if (fault === 'cut-stream-after-event-id' || fault === 'end-stream-after-event-id') {
    return { ...style, answers: 'sse', eventIds: true };
  }
  return undefined;
}

function sessionHeader(session: ScriptedSession): Record<string, string> {
  return session.id === undefined ? {} : { 'mcp-session-id': session.id };
}
