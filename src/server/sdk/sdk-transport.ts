import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import type { HttpAnswer, HttpRequest } from '../../endpoint/http.ts';
import type {
  HandedRequest,
  HttpTransport,
  HttpTransportParts,
  NewHttpTransport,
} from '../../endpoint/session/http-transport.ts';
import type { EventLog } from '../../endpoint/streams/event-log.ts';
import { answerOf } from '../../endpoint/web.ts';
import { isMessage } from '../../protocol/message.ts';

/** The SDK's transport, for servers written with the SDK. */
export const sdkTransport: NewHttpTransport = (parts) => new SdkTransport(parts);

class SdkTransport extends WebStandardStreamableHTTPServerTransport implements HttpTransport {
  readonly #store: SdkEventStore | undefined;

  constructor({ sessionId, log, maxBodyBytes, jsonResponses, onDeleted }: HttpTransportParts) {
    const store = log && new SdkEventStore(log);
    super({
      sessionIdGenerator: () => sessionId,
      onsessionclosed: onDeleted,
      enableJsonResponse: jsonResponses,
      ...(store && { eventStore: store }),
      maxRequestBodySize: maxBodyBytes,
    });
    this.#store = store;
  }

  async answer(request: HttpRequest, handed?: HandedRequest): Promise<HttpAnswer> {
    const handle = () => this.handleRequest(requestOf(request), handed);
    return answerOf(await (this.#store && request.method !== 'GET' ? this.#store.during(handle) : handle()));
  }

  asked(id: RequestId): void {
    this.#store?.asked(id);
  }
}

/**
 * The members of a `Request` that the SDK's transport reads when the parsed body is handed in: method, URL,
 * and headers by `get` and `entries`. A whole `Request` would cost a twentieth of a call
 * (docs/decisions/0009).
 */
function requestOf({ method, url, headers, platform }: HttpRequest): Request {
  return platform ?? ({ method, url, headers } as unknown as Request);
}

/**
 * The POST whose messages are being delivered: the SDK does not tell its event store which POST a stream
 * belongs to.
 */
const posts = new AsyncLocalStorage<{ stream?: string }>();

/** The log of a session as the SDK's transport writes to it. */
class SdkEventStore implements EventStore {
  readonly #log: EventLog;

  constructor(log: EventLog) {
    this.#log = log;
  }

  /** Runs the handler of one POST, so that `asked` knows its stream. */
  during<T>(act: () => Promise<T>): Promise<T> {
    return posts.run({}, act);
  }

  asked(id: RequestId): void {
    const stream = posts.getStore()?.stream;
    if (stream !== undefined) this.#log.asked(stream, id);
  }

  /** @param message empty at the start of a stream */
  async storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    if (isMessage(message)) return this.#log.keep(stream, message, JSON.stringify(message));
    const post = posts.getStore();
    if (post) post.stream = stream;
    return this.#log.begin(stream);
  }

  /** Never called: the session itself answers a GET with `Last-Event-ID`. */
  async replayEventsAfter(): Promise<string> {
    throw new Error('The companion replays events itself.');
  }
}
