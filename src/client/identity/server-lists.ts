import { deadline, type Environment } from '../../base/environment.ts';
import { type ListPages, listPages, MAX_LIST_PAGES } from '../../protocol/list-pages.ts';
import { isErrorResponse, type Request, type Response } from '../../protocol/message.ts';
import type { Catalog } from '../memory/catalog.ts';
import type { SessionHealth } from '../session/health.ts';
import type { Session } from '../session/session.ts';

/** An answered page of a list. */
export interface ListedPage {
  readonly request: Request;
  readonly response: Response;
}

/** The tools of a session. */
export type ListedTools = ListPages<ListedPage>;

interface Begun {
  readonly listed: Promise<ListedTools | undefined>;
  /** Of the session, when it was begun. */
  readonly outages: number;
}

export interface ServerListsOptions {
  readonly environment: Environment;
  readonly health: SessionHealth;
  readonly catalog: Catalog;
  /** How long one list may take, in ms. */
  readonly timeoutMs: number;
}

/** Lists that the connection fetches itself: to compare them with what the client knows, and for the hints of tools. */
export class ServerLists {
  readonly #options: ServerListsOptions;
  readonly #tools = new WeakMap<Session, Begun>();

  constructor(options: ServerListsOptions) {
    this.#options = options;
  }

  /**
   * The first pages of a list.
   * @throws Error when one of them is not answered
   */
  async pages(session: Session, method: string, maxPages?: number): Promise<readonly ListedPage[]> {
    return (await this.#walk(session, method, maxPages)).pages;
  }

  async #walk(session: Session, method: string, maxPages = MAX_LIST_PAGES): Promise<ListPages<ListedPage>> {
    const { environment, timeoutMs } = this.#options;
    const limit = deadline(environment.clock, timeoutMs, session.ended.signal);
    const ask = (cursor: string | undefined) => this.#page(session, method, cursor, limit.signal);
    try {
      return await listPages(ask, nextCursorOf, maxPages);
    } finally {
      limit.release();
    }
  }

  async #page(
    session: Session,
    method: string,
    cursor: string | undefined,
    signal: AbortSignal,
  ): Promise<ListedPage> {
    const { environment, health } = this.#options;
    const params = cursor === undefined ? {} : { params: { cursor } };
    const request: Request = { jsonrpc: '2.0', id: environment.newId(), method, ...params };
    const outcome = await session.wire.request(request, { signal });
    if (outcome.kind === 'lost') health.reportLost(session, outcome.because);
    if (outcome.kind === 'broken') health.reportUnavailable(session, outcome.because);
    if (outcome.kind !== 'answered') throw new NotListed(outcome.kind);
    if (isErrorResponse(outcome.response)) throw new NotListed('refused');
    return { request, response: outcome.response };
  }

  /** Whether the tools of a session are listed, or being listed. */
  hasBegun(session: Session): boolean {
    return this.#tools.get(session)?.outages === session.outages;
  }

  /**
   * All tools of a session, listed once however many ask, and once more after an outage; their hints are known from then
   * on. Undefined when the server does not list them in time. Never rejects.
   */
  tools(session: Session): Promise<ListedTools | undefined> {
    const begun = this.#tools.get(session);
    const { outages } = session;
    if (begun?.outages === outages) return begun.listed;
    const listed = this.#list(session);
    this.#tools.set(session, { outages, listed });
    return listed;
  }

  /** The server says that its tools are others now. */
  forget(session: Session): void {
    this.#tools.delete(session);
  }

  async #list(session: Session): Promise<ListedTools | undefined> {
    try {
      const listed = await this.#walk(session, 'tools/list');
      this.#options.catalog.learnTools(listed.pages.map(({ response }) => response));
      return listed;
    } catch (error) {
      // What was cut off says nothing of the server: whoever needs the list has it fetched again.
      if (error instanceof NotListed && error.because === 'broken') this.#tools.delete(session);
      return undefined;
    }
  }
}

class NotListed extends Error {
  override readonly name = 'NotListed';
  readonly because: string;

  constructor(because: string) {
    super(`the list was not answered: ${because}`);
    this.because = because;
  }
}

function nextCursorOf({ response }: ListedPage): unknown {
  return 'result' in response ? response.result.nextCursor : undefined;
}
