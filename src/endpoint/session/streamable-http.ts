import type { TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  type JSONRPCMessage,
  type RequestId,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/sdk/types.js';
import { ResilientMcpError } from '../../protocol/errors.ts';
import { mediaType, PROTOCOL_VERSION_HEADER, SESSION_ID_HEADER } from '../../protocol/http/headers.ts';
import { isRequest, isResponse, type Request as RpcRequest } from '../../protocol/message.ts';
import { lineOf } from '../../protocol/text/message-text.ts';
import { readJson } from '../body.ts';
import { parseHandshake } from '../handshake.ts';
import type { HttpAnswer, HttpRequest } from '../http.ts';
import { Refused, refuse, unknownId } from '../refusals.ts';
import { GET_STREAM } from '../streams/event-log.ts';
import { EventStream, streamHeaders } from '../streams/event-stream.ts';
import type { HandedRequest, HttpTransport, HttpTransportParts } from './http-transport.ts';
import { PostAnswer } from './post-answer.ts';
import {
  acceptsNoStream,
  acceptsTooLittle,
  alreadyInitialized,
  initializeNotAlone,
  listensAlready,
  messagesIn,
  noJsonType,
  notInitialized,
  saysTooLittle,
  unknownRevision,
} from './post-refusals.ts';

const EVENTS = 'text/event-stream';
/** The revision of a client that names none (MCP 2025-11-25, basic/transports, protocol version header). */
const UNNAMED_REVISION = '2025-03-26';
/** The first revision whose clients take an event without a message. */
const FIRST_REVISION_WITH_MARKS = '2025-11-25';

/**
 * Streamable HTTP for a relay. The SDK's transport parses every message against its schemas, answers
 * everything with a stream and writes two events for each answer (decision 0011). This one refuses the same
 * requests with the same messages. An answer without other messages is sent as JSON, see {@link PostAnswer}.
 */
export class StreamableHttp implements HttpTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly sessionId: string;
  readonly #parts: HttpTransportParts;
  readonly #answers = new Map<RequestId, PostAnswer>();
  /** The client's GET stream. */
  #own: EventStream | undefined;
  /** The last write on the GET stream; writes keep their order. */
  #written: Promise<void> = Promise.resolve();
  #phase: 'new' | 'initialized' | 'closed' = 'new';

  constructor(parts: HttpTransportParts) {
    this.#parts = parts;
    this.sessionId = parts.sessionId;
  }

  async start(): Promise<void> {}

  async close(): Promise<void> {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    for (const answer of new Set(this.#answers.values())) answer.abandon();
    this.#answers.clear();
    this.closeStandaloneSSEStream();
    this.onclose?.();
  }

  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    const about = isResponse(message) ? message.id : options?.relatedRequestId;
    if (about == null) return this.#sendOnOwn(message);
    const answer = this.#answers.get(about);
    if (!answer) throw new ResilientMcpError('INVALID_STATE', `No request ${String(about)} is under way.`);
    if (isResponse(message)) this.#answers.delete(about);
    await answer.send(message);
  }

  restore(): void {
    if (this.#phase === 'new') this.#phase = 'initialized';
  }

  expectStream(id: RequestId): void {
    this.#answers.get(id)?.expectStream();
  }

  closeSSEStream(id: RequestId): void {
    this.#answers.get(id)?.cut();
  }

  closeStandaloneSSEStream(): void {
    const own = this.#own;
    this.#own = undefined;
    own?.end();
  }

  async answer(request: HttpRequest, { parsedBody }: HandedRequest = {}): Promise<HttpAnswer> {
    try {
      if (this.#phase === 'closed') throw new Refused(unknownId);
      if (request.method === 'POST') return await this.#post(request, parsedBody);
      this.#check(request);
      return request.method === 'GET' ? this.#listen(request) : await this.#delete();
    } catch (error) {
      if (error instanceof Refused) return refuse(error.refusal);
      throw error;
    }
  }

  async #post(request: HttpRequest, parsedBody: unknown): Promise<HttpAnswer> {
    const accepted = request.headers.get('accept');
    if (!accepted?.includes('application/json') || !accepted.includes(EVENTS))
      throw new Refused(acceptsTooLittle);
    if (mediaType(request.headers.get('content-type')) !== 'application/json') throw new Refused(noJsonType);
    const body = parsedBody === undefined ? await this.#read(request) : parsedBody;
    const messages = messagesIn(body);
    // The session may have been closed while the body arrived.
    if (this.#phase === 'closed') throw new Refused(unknownId);
    const requests = messages.filter(isRequest);
    const initialize = requests.find(({ method }) => method === 'initialize');
    if (initialize) this.#initialize(messages, initialize);
    else this.#check(request);
    if (requests.length === 0) {
      for (const message of messages) this.onmessage?.(message);
      return { status: 202, headers: {} };
    }
    const revision = initialize?.params?.protocolVersion ?? request.headers.get(PROTOCOL_VERSION_HEADER);
    const ids = requests.map(({ id }) => id);
    const outcome = this.#outcomeOf(ids, String(revision ?? UNNAMED_REVISION));
    for (const message of messages) this.onmessage?.(message);
    const answer = await outcome;
    if (answer instanceof EventStream) return this.#stream(answer);
    const headers = { 'content-type': 'application/json', [SESSION_ID_HEADER]: this.sessionId };
    return { status: 200, headers, body: answer };
  }

  #outcomeOf(requests: readonly RequestId[], revision: string) {
    return new Promise<string | EventStream>((onReady) => {
      const { clock, log, newNonce } = this.#parts;
      const isResumable = revision >= FIRST_REVISION_WITH_MARKS;
      const answer = new PostAnswer({
        clock,
        newNonce,
        requests,
        onReady,
        log: isResumable ? log : undefined,
      });
      for (const id of requests) this.#answers.set(id, answer);
    });
  }

  async #read(request: HttpRequest): Promise<unknown> {
    const body = await readJson(request, this.#parts.maxBodyBytes);
    if ('refusal' in body) throw new Refused(body.refusal);
    return body.json;
  }

  #initialize(messages: readonly JSONRPCMessage[], { params }: RpcRequest): void {
    if (this.#phase !== 'new') throw new Refused(alreadyInitialized);
    if (messages.length > 1) throw new Refused(initializeNotAlone);
    if (!parseHandshake(params)) throw new Refused(saysTooLittle);
    this.#phase = 'initialized';
  }

  /** Checks every request but the first. */
  #check({ headers }: HttpRequest): void {
    if (this.#phase !== 'initialized') throw new Refused(notInitialized);
    const revision = headers.get(PROTOCOL_VERSION_HEADER);
    if (revision !== null && !SUPPORTED_PROTOCOL_VERSIONS.includes(revision)) {
      throw new Refused(unknownRevision(revision, SUPPORTED_PROTOCOL_VERSIONS));
    }
  }

  #listen({ headers }: HttpRequest): HttpAnswer {
    if (!headers.get('accept')?.includes(EVENTS)) throw new Refused(acceptsNoStream);
    if (this.#own) throw new Refused(listensAlready);
    const own = new EventStream(this.#parts.clock, () => {
      if (this.#own === own) this.#own = undefined;
    });
    this.#own = own;
    return this.#stream(own);
  }

  async #delete(): Promise<HttpAnswer> {
    this.#parts.onDeleted();
    await this.close();
    return { status: 200, headers: {} };
  }

  #sendOnOwn(message: JSONRPCMessage): Promise<void> {
    const text = lineOf(message);
    const kept = this.#parts.log?.keep(GET_STREAM, message, text) ?? '';
    this.#written = this.#written.then(async () => {
      const id = await kept;
      this.#own?.message(text, id);
    });
    return this.#written;
  }

  #stream({ body }: EventStream): HttpAnswer {
    return { status: 200, headers: { ...streamHeaders, [SESSION_ID_HEADER]: this.sessionId }, body };
  }
}
