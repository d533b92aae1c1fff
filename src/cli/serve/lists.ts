import { createHash } from 'node:crypto';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { listPages } from '../../protocol/list-pages.ts';
import { digest } from '../../server/ids/session-key.ts';
import type { SessionFactory, SessionRequest, SessionServer, SessionStore } from '../../server/index.ts';

/** Digests of a server's lists, by kind, to detect changes. */
export type Lists = Readonly<Record<Kind, string>>;

type Kind = 'tools' | 'prompts' | 'resources';
const kinds: readonly Kind[] = ['tools', 'prompts', 'resources'];

/** How long the lists of a session are remembered, in ms. */
const KEPT_MS = 30 * 24 * 60 * 60_000;

/**
 * Opens a session as a client would, reads the lists, and ends it. This also tests a new process: a failing
 * factory throws here, not at the first client.
 *
 * @throws as the client does when the server is unusable
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
  // The order of a list has no meaning.
  return createHash('sha256').update(items.sort().join('\n')).digest('base64url');
}

/**
 * Sends `list_changed` to each client whose session has seen other lists. The lists of a session are in the
 * store, because another process may have sent them.
 */
export class ListNews {
  readonly #store: SessionStore;
  readonly #transports = new Map<string, Transport>();
  #lists: Lists | undefined;

  constructor(store: SessionStore) {
    this.#store = store;
  }

  /** Sets the current lists. */
  publish(lists: Lists): void {
    this.#lists = lists;
  }

  /** Wraps the factory, so that this object can reach the client of each session. */
  around(factory: SessionFactory): SessionFactory {
    return async (session) => {
      const server = await factory(session);
      if (typeof server?.connect !== 'function') {
        throw new TypeError('The server factory returned no server: it has no connect().');
      }
      return { connect: (transport) => this.#connect(session, server, transport) };
    };
  }

  /** Call this when a client has opened its GET stream, the only way to notify it. */
  async streamOpened(sessionId: string): Promise<void> {
    const transport = this.#transports.get(sessionId);
    const lists = this.#lists;
    if (!transport || !lists) return;
    const seen = parse(await this.#store.get(keyOf(sessionId)));
    await this.#keep(sessionId, lists);
    // The lists of a session older than this program are unknown: it is notified, which costs one request.
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
