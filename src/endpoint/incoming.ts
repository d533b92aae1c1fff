import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import { mediaType, SESSION_ID_HEADER, sessionIdIn } from '../protocol/headers.ts';
import { isRequest, type RequestId } from '../protocol/message.ts';
import { readJson } from './body.ts';
import { type HttpRequest, withHeaders } from './http.ts';
import { Refused } from './refusals.ts';

/** What a request brings along that is not in the `Request` itself. */
export interface RequestContext {
  /** Who sent it, as an authorization middleware found out; handed on to the SDK's request handlers. */
  readonly authInfo?: AuthInfo | undefined;
  /** The body, when a middleware has read and parsed it already. */
  readonly parsedBody?: unknown;
  /** Reads the body, where an adapter can do so faster than over a web stream; the `Request` has none then. */
  readonly readBody?: HttpRequest['body'] | undefined;
  /** The address at the other end of the connection, where the adapter knows it. */
  readonly remoteAddress?: string | undefined;
  /** The version of HTTP that it came by, such as `1.1`, where the adapter knows it. */
  readonly httpVersion?: string | undefined;
  /**
   * Has `done` called when the answer has been sent, has failed or is given up, where an adapter can tell; otherwise a
   * second stream around the answer has to find out.
   */
  readonly onSent?: ((done: () => void) => void) | undefined;
}

/** One request on its way through the manager: who sent it, for which session, and its body once it is needed. */
export class Incoming {
  readonly request: HttpRequest;
  /** Undefined when nobody has asked who it is. */
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

  /** Whether it has a body that has to be known before it is served. A DELETE has none, though every client in Python calls it JSON. */
  get hasMessages(): boolean {
    const { method, headers } = this.request;
    return method === 'POST' && mediaType(headers.get('content-type')) === 'application/json';
  }

  /** With the body in it, if it has been read. */
  get context(): RequestContext {
    return this.#body ? { ...this.#given, parsedBody: this.#body.json } : this.#given;
  }

  /** The same request, as one of another session. Its body must have been read, or be none. */
  as(sessionId: string): Incoming {
    const request = withHeaders(this.request, { [SESSION_ID_HEADER]: sessionId });
    return new Incoming(request, this.context, this.principal);
  }

  /** The body, read once. @throws Refused when it is no JSON or has more than `maxBytes` */
  async json(maxBytes: number): Promise<unknown> {
    if (!this.#body) {
      const body = await readJson(this.request, maxBytes);
      if ('refusal' in body) throw new Refused(body.refusal);
      this.#body = body;
    }
    return this.#body.json;
  }
}

/** Whether a body asks for something, beside what it tells or answers. */
export function asks(body: unknown): boolean {
  return idsIn(body).length > 0;
}

/** The ids of the requests in a body: one message, or a batch. */
export function idsIn(body: unknown): readonly RequestId[] {
  const messages: readonly unknown[] = Array.isArray(body) ? body : [body];
  return messages.filter(isRequest).map(({ id }) => id);
}

/**
 * Who an authorization belongs to: the client, and the person where the token says so (`sub`, RFC 7519, 4.1.2). Not the
 * token itself, which changes while the person stays.
 */
export function principalOf({ authInfo }: RequestContext): string | undefined {
  if (!authInfo) return undefined;
  const subject = authInfo.extra?.sub;
  return JSON.stringify([authInfo.clientId, typeof subject === 'string' ? subject : null]);
}
