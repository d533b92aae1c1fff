import { createHash } from 'node:crypto';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { listPages } from '../../protocol/list-pages.ts';
import { digest } from '../../server/ids/session-key.ts';
import type { SessionFactory, SessionRequest, SessionServer, SessionStore } from '../../server/index.ts';

/** What a server lists, by kind, as digests: enough to see that it differs. */
export type Lists = Readonly<Record<Kind, string>>;

type Kind = 'tools' | 'prompts' | 'resources';
const kinds: readonly Kind[] = ['tools', 'prompts', 'resources'];

/** For how long it is kept which lists a session has seen, in ms. */
const KEPT_MS = 30 * 24 * 60 * 60_000;

/**
 * Opens a session as a client would, reads the lists, and ends it. This is also the trial of a new process: a factory
 * that throws, does so here and not at the first client.
 *
 * @throws what the client throws when the server cannot be used
 */
export async function readLists(handle: (request: Request) => Promise<Response>, url: URL): Promise<Lists> {
  const transport = new StreamableHTTPClientTransport(url, {
    fetch: (address, init) => handle(new Request(address, init)),
  });
  const client = new Client({ name: 'resilient-mcp serve', version: '1' });
  await client.connect(transport as Transport);
  try {
    const has = client.getServerCapabilities() ?? {};
    return {
      tools: has.tools ? await digestOf(async (cursor) => client.listTools(cursor), 'tools') : '',
      prompts: has.prompts ? await digestOf(async (cursor) => client.listPrompts(cursor), 'prompts') : '',
      resources: has.resources
        ? await digestOf(async (cursor) => client.listResources(cursor), 'resources')
        : '',
    };
  } finally {
    await transport.terminateSession().catch(() => {});
    await client.close();
  }
}

type Page = Partial<Record<Kind, readonly unknown[]>> & { readonly nextCursor?: string | undefined };

async function digestOf(read: (at: { cursor?: string }) => Promise<Page>, kind: Kind): Promise<string> {
  const { pages } = await listPages(
    (cursor) => read(cursor === undefined ? {} : { cursor }),
    ({ nextCursor }) => nextCursor,
  );
  const items = pages.flatMap((page) => (page[kind] ?? []).map((item) => JSON.stringify(item)));
  // The order of a list means nothing.
  return createHash('sha256').update(items.sort().join('\n')).digest('base64url');
}

/**
 * Tells each client, by `list_changed`, when the lists are no longer those that its session has seen. What a session
 * has seen is kept in the store, since it may have been another process that showed it.
 */
export class ListNews {
  readonly #store: SessionStore;
  readonly #transports = new Map<string, Transport>();
  #lists: Lists | undefined;

  constructor(store: SessionStore) {
    this.#store = store;
  }

  /** From now on these are the lists. */
  publish(lists: Lists): void {
    this.#lists = lists;
  }

  /** The same factory, which lets this object reach the client of each session that it serves. */
  around(factory: SessionFactory): SessionFactory {
    return async (session) => {
      const server = await factory(session);
      if (typeof server?.connect !== 'function') {
        throw new TypeError('The server factory returned no server: it has no connect().');
      }
      return { connect: (transport) => this.#connect(session, server, transport) };
    };
  }

  /** To be called when a client has opened its GET stream, the only way on which it can be told. */
  async streamOpened(sessionId: string): Promise<void> {
    const transport = this.#transports.get(sessionId);
    const lists = this.#lists;
    if (!transport || !lists) return;
    const seen = parse(await this.#store.get(keyOf(sessionId)));
    await this.#keep(sessionId, lists);
    // Nothing is known of a session that is older than this program's start: it is told, which costs it one request.
    for (const kind of kinds) {
      const differs = seen ? seen[kind] !== lists[kind] : lists[kind] !== '';
      if (differs) await transport.send({ jsonrpc: '2.0', method: `notifications/${kind}/list_changed` });
    }
  }

  async #connect(session: SessionRequest, server: SessionServer, transport: Transport): Promise<void> {
    await server.connect(transport);
    this.#transports.set(session.sessionId, transport);
    const closed = transport.onclose;
    transport.onclose = () => {
      this.#transports.delete(session.sessionId);
      closed?.();
    };
    if (session.reason !== 'adopted' && this.#lists) await this.#keep(session.sessionId, this.#lists);
  }

  #keep(sessionId: string, lists: Lists): Promise<void> {
    return this.#store.set(keyOf(sessionId), JSON.stringify(lists), KEPT_MS);
  }
}

function keyOf(sessionId: string): string {
  return `lists:${digest(sessionId)}`;
}

function parse(text: string | undefined): Lists | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as Lists);
}
