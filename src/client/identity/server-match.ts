import { type Clock, sleep } from '../../base/environment.ts';
import { ResilientMcpError } from '../../protocol/errors.ts';
import { isResultResponse } from '../../protocol/message.ts';
import { mayReplay } from '../../protocol/replay.ts';
import { inputOf } from '../../protocol/tool-input.ts';
import type { ServerFacts } from '../memory/handshake.ts';
import type { SessionMemory } from '../memory/session-memory.ts';
import type { ReplayOptions } from '../options.ts';
import type { Meaning, PendingRequest } from '../requests/pending-request.ts';
import type { Gate } from '../session/gate.ts';
import type { Session } from '../session/session.ts';
import type { ServerIdentity } from './server-identity.ts';
import type { ListedPage, ServerLists } from './server-lists.ts';

/** How long a call waits for the tools of a server that says of itself what the last one said, in ms. */
const SAME_SERVER_MS = 1000;

export interface ServerMatchOptions {
  readonly gate: Gate;
  readonly memory: SessionMemory;
  readonly lists: ServerLists;
  readonly identity: ServerIdentity;
  readonly clock: Clock;
  readonly replay: ReplayOptions;
}

/**
 * Keeps a call from running at a server that it was not made for. After a restart another program may have the port, or
 * another version the name: a call that came before and may not be repeated is then not sent. One that comes later is
 * made by a client that can know.
 */
export class ServerMatch {
  readonly #options: ServerMatchOptions;

  constructor(options: ServerMatchOptions) {
    this.#options = options;
  }

  /** What a call means that comes now. */
  meaning(tool: string | undefined): Meaning {
    const { gate, memory } = this.#options;
    const { handshake, catalog } = memory;
    const outages = gate.session?.outages ?? 0;
    return {
      // Of what answers after an outage that is under way nobody knows yet.
      seen: { session: gate.session, outages: gate.state.kind === 'ready' ? outages : outages - 1 },
      server: gate.session?.server ?? handshake.server,
      hints: tool === undefined ? undefined : catalog.hints(tool),
      tools: catalog.toolPages,
    };
  }

  /** Whether a call came before a session on which it was not sent yet, or before an outage of the session that it met. */
  mayBeAnother(call: PendingRequest, session: Session): boolean {
    const { meaning, sentOn } = call;
    return (meaning.server !== session.server && sentOn !== session) || hadOutage(call, session);
  }

  /**
   * Looks whether such a session is of the server that the call was made for.
   * @returns whether that session is still the current one
   * @throws ResilientMcpError `SERVER_CHANGED`
   */
  async admits(call: PendingRequest, session: Session): Promise<boolean> {
    const { gate, identity } = this.#options;
    const { server } = call.meaning;
    if (this.#mayRepeat(call)) return true;
    const { outages } = session;
    if (hadOutage(call, session)) await identity.confirm(session);
    // Another that keeps sessions: what is known of it stands in the next one.
    if (!gate.isCurrent(session) || session.ended.signal.aborted) return false;
    if (server && session.server && server.name !== session.server.name) {
      throw changed(
        call,
        `another server answers now: ${named(session.server)} in place of ${named(server)}`,
      );
    }
    await this.#compareTool(call, session);
    call.seen = { session, outages };
    return gate.isCurrent(session);
  }

  /** By what was known when it came: of a server that is another, the hints are another's. */
  #mayRepeat({ request, tool, meaning }: PendingRequest): boolean {
    const { replay } = this.#options;
    const policy = tool === undefined ? replay.default : (replay.tools[tool] ?? replay.default);
    return mayReplay(request, 'unknown', meaning.hints, policy).replay;
  }

  async #compareTool(call: PendingRequest, session: Session): Promise<void> {
    const { tool, meaning } = call;
    if (tool === undefined || !meaning.tools) return;
    const before = toolsOf(meaning.tools).find(({ name }) => name === tool);
    if (!before) return;
    const listed = await this.#tools(call, session);
    if (!listed) return;
    const now = listed.pages.flatMap(itemsOf).find(({ name }) => name === tool);
    const server = named(session.server);
    if (!now && listed.isWhole) throw changed(call, `${server} has no tool of that name any more`);
    if (now && inputOf(now) !== inputOf(before))
      throw changed(call, `its tool at ${server} takes another input now`);
  }

  async #tools(call: PendingRequest, session: Session) {
    const { lists, clock } = this.#options;
    const listed = lists.tools(session);
    if (!isAlike(call.meaning.server, session.server)) return listed;
    // It is most likely the same: a list that takes its time must not keep a call that did no harm before.
    const enough = new AbortController();
    const waited = sleep(clock, SAME_SERVER_MS, enough.signal).then(() => undefined);
    return Promise.race([listed, waited]).finally(() => enough.abort());
  }
}

/** Whether the server could not be reached since a session was last looked at; what is a wire itself ends with it. */
function hadOutage({ seen }: PendingRequest, session: Session): boolean {
  return !session.negotiated.isWire && session.outages > (seen.session === session ? seen.outages : 0);
}

function changed({ tool, request }: PendingRequest, because: string): ResilientMcpError {
  const what = tool === undefined ? request.method : `The call of ${tool}`;
  return new ResilientMcpError('SERVER_CHANGED', `${what} was not sent: ${because}.`, {
    advice: 'List its tools again, and see whether the call is still what you want.',
  });
}

function named(server: ServerFacts | undefined): string {
  return server ? `${JSON.stringify(server.name)} ${server.version}`.trimEnd() : 'the server';
}

function isAlike(before: ServerFacts | undefined, now: ServerFacts | undefined): boolean {
  return before?.name === now?.name && before?.version === now?.version;
}

interface Tool {
  readonly name?: unknown;
  readonly inputSchema?: unknown;
}

function toolsOf(pages: readonly string[]): readonly Tool[] {
  return pages.flatMap((page): Tool[] => JSON.parse(page));
}

function itemsOf({ response }: ListedPage): readonly Tool[] {
  const tools = isResultResponse(response) ? response.result.tools : undefined;
  return Array.isArray(tools) ? tools.filter((tool) => typeof tool === 'object' && tool !== null) : [];
}
