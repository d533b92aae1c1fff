import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { isMessage } from '../../protocol/message.ts';
import type {
  HandedRequest,
  HttpTransport,
  HttpTransportParts,
  NewHttpTransport,
} from '../http-transport.ts';
import type { EventLog } from '../streams/event-log.ts';

/** The SDK's own transport, for the servers that are written with the SDK. */
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

  override handleRequest(request: Request, handed?: HandedRequest): Promise<Response> {
    const handle = () => super.handleRequest(request, handed);
    return this.#store && request.method !== 'GET' ? this.#store.during(handle) : handle();
  }

  asked(id: RequestId): void {
    this.#store?.asked(id);
  }
}

/** The request whose messages are being handed out: the SDK does not tell its event store to which one a stream belongs. */
const posts = new AsyncLocalStorage<{ stream?: string }>();

/** The log of a session as the SDK's transport writes to it. */
class SdkEventStore implements EventStore {
  readonly #log: EventLog;

  constructor(log: EventLog) {
    this.#log = log;
  }

  /** Runs what handles one POST, so that `asked` knows its stream. */
  during<T>(act: () => Promise<T>): Promise<T> {
    return posts.run({}, act);
  }

  asked(id: RequestId): void {
    const stream = posts.getStore()?.stream;
    if (stream !== undefined) this.#log.asked(stream, id);
  }

  /** @param message empty, where a stream begins */
  async storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    if (isMessage(message)) return this.#log.keep(stream, message, JSON.stringify(message));
    const post = posts.getStore();
    if (post) post.stream = stream;
    return this.#log.begin(stream);
  }

  /** Never asked for: the session answers a GET with `Last-Event-ID` itself. */
  async replayEventsAfter(): Promise<string> {
    throw new Error('The companion replays events itself.');
  }
}
