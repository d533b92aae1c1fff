import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import { mediaType, SESSION_ID_HEADER, sessionIdIn } from '../protocol/http/headers.ts';
import { isRequest, type RequestId } from '../protocol/message.ts';
import { readJson } from './body.ts';
import { type HttpRequest, withHeaders } from './http.ts';
import { Refused } from './refusals.ts';

/** Context of a request that the `Request` itself does not hold. */
export interface RequestContext {
  /** The authorization that a middleware has verified; passed to the SDK's request handlers. */
  readonly authInfo?: AuthInfo | undefined;
  /** The body, if a middleware has read and parsed it already. */
  readonly parsedBody?: unknown;
  /** Reads the body, if an adapter can do so faster than a web stream; the `Request` then has none. */
  readonly readBody?: HttpRequest['body'] | undefined;
  /** The remote address of the connection, if the adapter knows it. */
  readonly remoteAddress?: string | undefined;
  /** The HTTP version of the request, such as `1.1`, if the adapter knows it. */
  readonly httpVersion?: string | undefined;
  /**
   * Calls `done` when the answer has been sent, has failed or is abandoned. Without it, a second stream
   * around the answer detects that.
   */
  readonly onSent?: ((done: () => void) => void) | undefined;
}

/** One request on its way through the manager: its principal, its session id, and its body on demand. */
export class Incoming {
  readonly request: HttpRequest;
  /** Undefined when clients are not authenticated. */
  readonly principal: string | undefined;
  readonly sessionId: string | null;
  readonly #given: RequestContext;
  #body: { readonly json: unknown } | undefined;

  constructor(request: HttpRequest, context: RequestContext, principal: string | undefined) {
    this.request = request;
    this.principal = principal;
    this.sessionId = sessionIdIn(request.headers.get(SESSION_ID_HEADER)) ?? null;
    this.#given = context;
    if (context.parsedBody !== undefined) this.#body = { json: context.parsedBody };
  }

  /** The id of the JSON-RPC request in the body; null while the body has not been read, and when there is none. */
  get rpcId(): RequestId | null {
    return isRequest(this.#body?.json) ? this.#body.json.id : null;
  }

  /**
   * Whether the request has a body that must be read before it is served. A DELETE has none, though every
   * Python client labels it JSON.
   */
  get hasMessages(): boolean {
    const { method, headers } = this.request;
    return method === 'POST' && mediaType(headers.get('content-type')) === 'application/json';
  }

  /** The context, with the body if it has been read. */
  get context(): RequestContext {
    return this.#body ? { ...this.#given, parsedBody: this.#body.json } : this.#given;
  }

  /** The same request for another session. Its body must have been read, or be absent. */
  as(sessionId: string): Incoming {
    const request = withHeaders(this.request, { [SESSION_ID_HEADER]: sessionId });
    return new Incoming(request, this.context, this.principal);
  }

  /**
   * The body, read once.
   * @throws Refused when it is not JSON or exceeds `maxBytes`
   */
  async json(maxBytes: number): Promise<unknown> {
    if (!this.#body) {
      const body = await readJson(this.request, maxBytes);
      if ('refusal' in body) throw new Refused(body.refusal);
      this.#body = body;
    }
    return this.#body.json;
  }
}

/** Whether a body contains a request, beside notifications and responses. */
export function asks(body: unknown): boolean {
  return idsIn(body).length > 0;
}

/** The ids of the requests in a body: one message, or a batch. */
export function idsIn(body: unknown): readonly RequestId[] {
  const messages: readonly unknown[] = Array.isArray(body) ? body : [body];
  return messages.filter(isRequest).map(({ id }) => id);
}

/**
 * Principal of an authorization: the client, and the person if the token names one (`sub`, RFC 7519, 4.1.2).
 * Not the token itself, which changes while the person stays the same.
 */
export function principalOf({ authInfo }: RequestContext): string | undefined {
  if (!authInfo) return undefined;
  const subject = authInfo.extra?.sub;
  return JSON.stringify([authInfo.clientId, typeof subject === 'string' ? subject : null]);
}
