import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { ServerEnvironment } from './environment.ts';

/**
 * What the companion needs of a server: the SDK's `McpServer` and `Server` both have it. A server learns of the
 * session's end by the transport's `onclose`; what it finds there when it connects, it has to call as well.
 */
export interface SessionServer {
  connect(transport: Transport): Promise<void>;
}

/** What a request brings along that is not in the `Request` itself. */
export interface RequestContext {
  /** Who sent it, as an authorization middleware found out; handed on to the SDK's request handlers. */
  readonly authInfo?: AuthInfo | undefined;
  /** The body, when a middleware has read and parsed it already. */
  readonly parsedBody?: unknown;
}

export interface SessionSettings {
  readonly id: string;
  readonly idleMs: number;
  readonly maxBodyBytes: number;
  readonly jsonResponses: boolean;
  readonly clock: ServerEnvironment['clock'];
  /** Called once, with the reason, when the session has ended, whoever ended it. */
  readonly onEnded: (reason: string) => void;
}

/**
 * One session: one server object and one of the SDK's transports, which does the protocol. This class adds what the
 * SDK leaves to its user: an end. A session ends by DELETE, by its server's own `close()`, by `end()`, or when it has
 * been idle: no request under way and no stream open for `idleMs`.
 */
export class Session {
  readonly id: string;
  readonly #transport: WebStandardStreamableHTTPServerTransport;
  readonly #settings: SessionSettings;
  #underWay = 0;
  #cancelExpiry: () => void = () => {};
  #endReason = 'closed by its server';
  #ended = false;

  constructor(settings: SessionSettings) {
    this.id = settings.id;
    this.#settings = settings;
    this.#transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => settings.id,
      onsessionclosed: () => {
        this.#endReason = 'ended by its client';
      },
      enableJsonResponse: settings.jsonResponses,
      maxRequestBodySize: settings.maxBodyBytes,
    });
    // Set before a server connects: the SDK's servers call what they find here, and only then their own.
    this.#transport.onclose = () => this.#hasEnded();
  }

  /** Gives the session its server. Rejects with what the server's `connect` throws. */
  async connect(server: SessionServer): Promise<void> {
    // The class leaves optional members out where the interface has them undefined; to the SDK that is the same.
    await server.connect(this.#transport as Transport);
  }

  /** Answers one request of this session. The session is not idle until the answer's body has been sent. */
  async handle(request: Request, context: RequestContext): Promise<Response> {
    this.#begin();
    let response: Response;
    try {
      response = await this.#transport.handleRequest(request, {
        ...(context.authInfo && { authInfo: context.authInfo }),
        ...(context.parsedBody !== undefined && { parsedBody: context.parsedBody }),
      });
    } catch (error) {
      this.#finish();
      throw error;
    }
    return whenSent(response, () => this.#finish());
  }

  /** Ends the session, and with it its server. Safe to call twice. */
  async end(reason: string): Promise<void> {
    if (this.#ended) return;
    this.#endReason = reason;
    await this.#transport.close();
  }

  #begin(): void {
    this.#underWay += 1;
    this.#cancelExpiry();
  }

  #finish(): void {
    this.#underWay -= 1;
    if (this.#underWay > 0 || this.#ended || this.#settings.idleMs === Infinity) return;
    const { clock, idleMs } = this.#settings;
    this.#cancelExpiry = clock.after(idleMs, () => void this.end(`idle for ${idleMs} ms`));
  }

  #hasEnded(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelExpiry();
    this.#settings.onEnded(this.#endReason);
  }
}

/** The same response; `done` is called once, when its body has been read to the end, has failed or is given up. */
function whenSent(response: Response, done: () => void): Response {
  const reader = response.body?.getReader();
  if (!reader) {
    done();
    return response;
  }
  let isDone = false;
  // Giving a body up also ends the read that waits for its next chunk: without this, that would be two ends.
  const doneOnce = () => {
    if (!isDone) done();
    isDone = true;
  };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done: ended, value } = await reader.read();
        if (!ended) return controller.enqueue(value);
        doneOnce();
        controller.close();
      } catch (error) {
        doneOnce();
        controller.error(error);
      }
    },
    async cancel(reason) {
      doneOnce();
      await reader.cancel(reason);
    },
  });
  const { status, statusText, headers } = response;
  return new Response(body, { status, statusText, headers });
}
