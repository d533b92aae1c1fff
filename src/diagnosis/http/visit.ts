import { type Clock, deadline, type Fetch } from '../../base/environment.ts';
import { readHead, readWhole } from '../../client/wire/http/body.ts';
import { describeError } from '../../protocol/errors.ts';
import { createEventStreamReader } from '../../protocol/events/event-stream.ts';
import {
  LAST_EVENT_ID_HEADER,
  mediaType,
  PROTOCOL_VERSION_HEADER,
  SESSION_ID_HEADER,
  sendsVersionHeader,
  sessionIdIn,
} from '../../protocol/http/headers.ts';
import { isResponse, type Response as RpcResponse } from '../../protocol/message.ts';
import { type Evidence, SHOWN_OF_BODY } from '../check.ts';
import { Redaction, shortId } from '../redaction.ts';

/** The most that is read of a good answer, in bytes, and of any other. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const MAX_OTHER_BYTES = 8 * 1024;
const OTHER_LIMITS = { maxBytes: MAX_OTHER_BYTES, maxMs: 1000 } as const;

/** How long the head of a stream may take, in ms, before it counts as held back. */
export const HEAD_LIMIT_MS = 3000;
/** The most events that are kept of a stream. */
const MAX_EVENTS = 100;

/** The headers of an answer that say something about MCP, or about who stands in between. */
const TELLING_HEADERS = [
  'content-type',
  SESSION_ID_HEADER,
  'www-authenticate',
  'location',
  'allow',
  'retry-after',
  'content-encoding',
  'server',
  'via',
];

/** An HTTP server to be looked at. */
export interface HttpTarget {
  readonly name?: string | undefined;
  readonly url: string;
  /** Headers of every request to the server; never sent elsewhere. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What a visit needs of the world. */
export interface VisitEdge {
  readonly fetch: Fetch;
  readonly clock: Clock;
  /** A string that no other call returned. */
  readonly newId: () => string;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** One request to be made. */
export interface Ask {
  readonly verb: 'POST' | 'GET' | 'DELETE';
  /** The JSON-RPC message of a POST. */
  readonly message?: { readonly id?: string; readonly method: string; readonly params?: object } | undefined;
  readonly sessionId?: string | undefined;
  readonly lastEventId?: string | undefined;
  /** The id of the response that is awaited, where it is not that of the message. */
  readonly awaits?: string | undefined;
  /** In place of the version that was agreed on. */
  readonly protocolVersion?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** How it is named in the report, if not by verb and method. */
  readonly called?: string;
  /**
   * How long an event stream is read on after its head, in ms, unless what was asked for comes. Default: until that.
   */
  readonly listenMs?: number;
}

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The media type; empty without one. */
  readonly type: string;
  /** The body of whatever is no event stream; of one, the data of its first event that has any. */
  readonly body: string;
  /** The JSON-RPC response to the request. */
  readonly response: RpcResponse | undefined;
  readonly eventIds: readonly string[];
  /** The events of a stream that had data. */
  readonly events: readonly { readonly event: string; readonly data: string }[];
  /** Whether the server ended the stream before anybody wanted that. */
  readonly hasEnded: boolean;
}

/** No answer came: the network said so. */
export class NoAnswer extends Error {
  /** The code of the platform, `ECONNREFUSED` or the like; empty when it gave none. */
  readonly code: string;

  constructor(cause: unknown) {
    super(describeError(cause), { cause });
    this.code = codeOf(cause);
  }
}

/** The requests of one diagnosis to one endpoint, and what became known by them. */
export class Visit {
  readonly target: HttpTarget;
  readonly edge: VisitEdge;
  readonly redaction: Redaction;
  readonly url: URL;
  /** Makes the requests. Another one after a redirect that a connection follows too. */
  fetch: Fetch;
  /** What the server agreed on by `initialize`. */
  agreed: { readonly protocolVersion: string; readonly sessionId: string | undefined } | undefined;
  /** Event ids that came on the stream of a POST, and the request whose answer they are of. */
  resumable: { readonly eventId: string; readonly requestId: string | undefined } | undefined;
  #asked = 0;

  constructor(target: HttpTarget, edge: VisitEdge) {
    this.target = target;
    this.edge = edge;
    this.url = new URL(target.url);
    this.fetch = (url, init) => edge.fetch(url, { ...init, redirect: 'manual' });
    this.redaction = new Redaction(new Headers(target.headers));
  }

  /** A request with an id of its own. */
  request(method: string, params: object = {}): Required<NonNullable<Ask['message']>> {
    this.#asked += 1;
    return { id: `diagnosis-${this.#asked}`, method, params };
  }

  /**
   * Makes one request and reads the requested part of its answer.
   * @throws NoAnswer when the network gave none; whatever `signal` was aborted with
   */
  async ask(ask: Ask, signal: AbortSignal, seen: (evidence: Evidence) => void): Promise<Answer> {
    const { clock } = this.edge;
    const startedAt = clock.monotonic();
    const what = ask.called ?? `${ask.verb}${ask.message ? ` ${ask.message.method}` : ''}`;
    const done = (came: Partial<Evidence>) =>
      seen({ what, ...came, durationMs: clock.monotonic() - startedAt });
    let response: Response | undefined;
    try {
      response = await this.fetch(this.url, {
        method: ask.verb,
        headers: this.#headers(ask),
        signal,
        ...(ask.message && { body: JSON.stringify({ jsonrpc: '2.0', ...ask.message }) }),
      });
      const answer = await this.#read(response, ask);
      done(this.#shown(answer));
      return answer;
    } catch (error) {
      const failure = signal.aborted ? 'nothing came in time' : this.redaction.clean(describeError(error));
      done({ ...(response && this.#shownHead(response.status, response.headers)), failure });
      throw signal.aborted ? signal.reason : new NoAnswer(error);
    }
  }

  /**
   * The same, for a stream that is watched for a moment; `no head` when the server has taken the request and does not
   * begin to answer, as some do until they have something to say.
   */
  async askForStream(
    ask: Ask,
    signal: AbortSignal,
    seen: (evidence: Evidence) => void,
  ): Promise<Answer | 'no head'> {
    const limit = deadline(this.edge.clock, HEAD_LIMIT_MS + (ask.listenMs ?? 0), signal);
    try {
      return await this.ask(ask, limit.signal, seen);
    } catch (error) {
      if (limit.signal.aborted && !signal.aborted) return 'no head';
      throw error;
    } finally {
      limit.release();
    }
  }

  /** A document that the server refers to, at whatever address, asked for without any of its headers. */
  async fetchJson(
    url: string,
    what: string,
    signal: AbortSignal,
    seen: (evidence: Evidence) => void,
  ): Promise<unknown> {
    const { clock, fetch } = this.edge;
    const startedAt = clock.monotonic();
    const done = (came: Partial<Evidence>) =>
      seen({ what, ...came, durationMs: clock.monotonic() - startedAt });
    try {
      const response = await fetch(url, { signal, headers: { accept: 'application/json' } });
      const body = await readHead(response, { ...OTHER_LIMITS, clock });
      done({ ...this.#shownHead(response.status, response.headers), ...this.#shownBody(body) });
      return response.ok ? parsed(body) : undefined;
    } catch (error) {
      done({ failure: this.redaction.clean(describeError(error)) });
      return undefined;
    }
  }

  #headers(ask: Ask): Headers {
    const headers = new Headers(this.target.headers);
    headers.delete(SESSION_ID_HEADER);
    headers.delete(PROTOCOL_VERSION_HEADER);
    if (ask.verb !== 'DELETE') {
      headers.set('accept', ask.verb === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream');
    }
    if (ask.message) headers.set('content-type', 'application/json');
    if (ask.sessionId !== undefined) headers.set(SESSION_ID_HEADER, ask.sessionId);
    if (ask.lastEventId !== undefined) headers.set(LAST_EVENT_ID_HEADER, ask.lastEventId);
    const version = ask.protocolVersion ?? this.agreed?.protocolVersion;
    if (version !== undefined && sendsVersionHeader(version)) headers.set(PROTOCOL_VERSION_HEADER, version);
    for (const [name, value] of Object.entries(ask.headers ?? {})) headers.set(name, value);
    return headers;
  }

  async #read(response: Response, ask: Ask): Promise<Answer> {
    const { status, headers } = response;
    const type = mediaType(headers.get('content-type'));
    const issued = sessionIdIn(headers.get(SESSION_ID_HEADER));
    if (issued !== undefined) this.redaction.hideId(issued);
    const plain = { status, headers, type, eventIds: [], events: [], hasEnded: false };
    if (response.ok && type === 'text/event-stream') {
      return { ...plain, ...(await this.#readStream(response, ask)) };
    }
    const isAnswer = response.ok && type === 'application/json';
    const body = await (isAnswer
      ? readWhole(response, MAX_ANSWER_BYTES)
      : readHead(response, { ...OTHER_LIMITS, clock: this.edge.clock }));
    return { ...plain, body, response: responseIn(parsed(body), ask.message?.id) };
  }

  /** Reads a stream until the awaited answer has come, or for as long as was asked. */
  async #readStream(response: Response, { message, awaits = message?.id, listenMs }: Ask) {
    const eventIds: string[] = [];
    const events: { event: string; data: string }[] = [];
    let answer: RpcResponse | undefined;
    const { clock } = this.edge;
    const reader = response.body?.getReader();
    const stream = createEventStreamReader({
      maxEventLength: MAX_ANSWER_BYTES,
      onId: (id) => eventIds.push(id),
      onEvent: ({ event, data }) => {
        if (data !== '' && events.length < MAX_EVENTS) events.push({ event, data });
        answer ??= responseIn(parsed(data), awaits);
      },
    });
    let isEnough = false;
    const stop = () => {
      isEnough = true;
      reader?.cancel().catch(() => {});
    };
    const release = listenMs === undefined ? () => {} : clock.after(listenMs, stop);
    let hasEnded = false;
    try {
      while (reader && !isEnough && answer === undefined) {
        const { done, value } = await reader.read();
        if (value) stream.feed(value);
        if (done) {
          hasEnded = !isEnough;
          break;
        }
      }
    } finally {
      release();
      stop();
    }
    const [eventId] = eventIds;
    if (eventId !== undefined && message) this.resumable = { eventId, requestId: message.id };
    return { body: events[0]?.data ?? '', response: answer, eventIds, events, hasEnded };
  }

  #shown({ status, headers, body }: Answer): Partial<Evidence> {
    return { ...this.#shownHead(status, headers), ...this.#shownBody(body) };
  }

  #shownBody(body: string): Partial<Evidence> {
    const text = this.redaction.clean(body.slice(0, MAX_OTHER_BYTES)).replace(/\s+/g, ' ').trim();
    if (text === '') return {};
    return { body: text.length > SHOWN_OF_BODY ? `${text.slice(0, SHOWN_OF_BODY)}…` : text };
  }

  #shownHead(status: number, headers: Headers): Partial<Evidence> {
    const telling = TELLING_HEADERS.flatMap((name): [string, string][] => {
      const value = headers.get(name);
      if (value === null) return [];
      return [[name, name === SESSION_ID_HEADER ? shortId(value) : this.redaction.clean(value)]];
    });
    return { status, ...(telling.length > 0 && { headers: Object.fromEntries(telling) }) };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The response to `id`; of an error also one that names no request, as refusals do. */
function responseIn(value: unknown, id: string | undefined): RpcResponse | undefined {
  if (!isResponse(value)) return undefined;
  return value.id === id || value.id === null || value.id === undefined ? value : undefined;
}

/** The code at the bottom of an error. */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: readonly unknown[] };
  return codeOf(cause) || codeOf(errors?.[0]) || (typeof code === 'string' ? code : '');
}
