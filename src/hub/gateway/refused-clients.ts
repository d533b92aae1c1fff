import { BoundedMap } from '../../base/bounded-map.ts';
import type { HttpHeaders } from '../../endpoint/http.ts';
import type { RefusedClient } from '../snapshot.ts';

export type { RefusedClient };

/** Called when a server's list has changed: with all of it. */
export type OnRefused = (server: string, refused: readonly RefusedClient[]) => void;

/** How many clients are listed for each server; the oldest go first. */
const MAX_CLIENTS = 16;
const MAX_NAME_LENGTH = 60;

/** Who was refused at which server, and was not let in since. */
export class RefusedClients {
  readonly #onChange: OnRefused;
  readonly #servers = new Map<string, Map<string, RefusedClient>>();

  constructor(onChange: OnRefused) {
    this.#onChange = onChange;
  }

  refused(server: string, headers: HttpHeaders, at: number): void {
    const clients = this.#servers.get(server) ?? new BoundedMap<string, RefusedClient>(MAX_CLIENTS);
    const client = nameOf(headers);
    const requests = (clients.get(client)?.requests ?? 0) + 1;
    clients.set(client, { client, requests, at });
    this.#servers.set(server, clients);
    this.#onChange(server, [...clients.values()]);
  }

  /** Forgets who was refused at servers that there are no more. */
  retain(servers: ReadonlyMap<string, unknown>): void {
    for (const server of this.#servers.keys()) if (!servers.has(server)) this.#servers.delete(server);
  }

  /** It has the token now. */
  letIn(server: string, headers: HttpHeaders): void {
    const clients = this.#servers.get(server);
    if (!clients?.delete(nameOf(headers))) return;
    this.#onChange(server, [...clients.values()]);
    if (clients.size === 0) this.#servers.delete(server);
  }
}

/** `copilot-cli/1.0 (linux)` is `copilot-cli`. */
function nameOf(headers: HttpHeaders): string {
  const [product = ''] = (headers.get('user-agent') ?? '').trim().split(/[/\s(]/, 1);
  return product.slice(0, MAX_NAME_LENGTH);
}
