import { deadline, type Environment } from '../../base/environment.ts';
import { isErrorResponse, type Request, type Response } from '../../protocol/message.ts';
import { type Catalog, MAX_PAGES } from '../memory/catalog.ts';
import type { Evidence } from '../recovery/evidence.ts';
import type { Session } from '../session/session.ts';

/** An answered page of a list. */
export interface ListedPage {
  readonly request: Request;
  readonly response: Response;
}

/** All the tools of a session. */
export interface ListedTools {
  readonly pages: readonly ListedPage[];
  /** Whether these are all; there may be more pages than are fetched. */
  readonly isWhole: boolean;
}

interface Begun {
  readonly listed: Promise<ListedTools | undefined>;
  /** Of the session, when it was begun. */
  readonly outages: number;
}

export interface ListingContext {
  readonly environment: Environment;
  readonly evidence: Evidence;
  readonly catalog: Catalog;
  /** How long one list may take, in ms. */
  readonly timeoutMs: number;
}

/** Lists that the connection fetches itself: to compare them with what the client knows, and for the hints of tools. */
export class Listing {
  readonly #context: ListingContext;
  readonly #tools = new WeakMap<Session, Begun>();

  constructor(context: ListingContext) {
    this.#context = context;
  }

  /**
   * The first pages of a list.
   * @throws Error when one of them is not answered
   */
  async pages(session: Session, method: string, maxPages = MAX_PAGES): Promise<ListedPage[]> {
    const { environment, timeoutMs, evidence } = this.#context;
    const limit = deadline(environment.clock, timeoutMs, session.ended.signal);
    const pages: ListedPage[] = [];
    let cursor: string | undefined;
    try {
      do {
        const params = cursor === undefined ? {} : { params: { cursor } };
        const request: Request = { jsonrpc: '2.0', id: environment.newId(), method, ...params };
        const outcome = await session.wire.request(request, { signal: limit.signal });
        if (outcome.kind === 'lost') evidence.lost(session, outcome.because);
        if (outcome.kind === 'broken') evidence.unavailable(session, outcome.because);
        if (outcome.kind !== 'answered') throw new NotListed(outcome.kind);
        if (isErrorResponse(outcome.response)) throw new NotListed('refused');
        pages.push({ request, response: outcome.response });
        cursor = nextCursorOf(outcome.response);
      } while (cursor !== undefined && pages.length < Math.min(maxPages, MAX_PAGES));
      return pages;
    } finally {
      limit.release();
    }
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
      const pages = await this.pages(session, 'tools/list');
      this.#context.catalog.learnTools(pages.map(({ response }) => response));
      const last = pages.at(-1);
      return { pages, isWhole: last === undefined || nextCursorOf(last.response) === undefined };
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

function nextCursorOf(response: Response): string | undefined {
  const next = 'result' in response ? response.result.nextCursor : undefined;
  return typeof next === 'string' ? next : undefined;
}
