import { BoundedMap } from '../../base/bounded-map.ts';
import type { HttpHeaders } from '../../endpoint/http.ts';
import type { RefusedClient } from '../snapshot.ts';

/** Limit of listed clients for each server; the oldest are dropped. */
const MAX_CLIENTS = 16;
const MAX_NAME_LENGTH = 60;

/** Clients that a server's endpoint refused and has not admitted since. */
export class RefusedClients {
  readonly #onChange: () => void;
  readonly #clients = new BoundedMap<string, RefusedClient>(MAX_CLIENTS);

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Latest last. */
  get list(): readonly RefusedClient[] {
    return [...this.#clients.values()];
  }

  add(headers: HttpHeaders, at: number): void {
    const client = nameOf(headers);
    const requests = (this.#clients.get(client)?.requests ?? 0) + 1;
    this.#clients.set(client, { client, requests, at });
    this.#onChange();
  }

  /** Removes an admitted client. @returns whether it was listed */
  letIn(headers: HttpHeaders): boolean {
    if (!this.#clients.delete(nameOf(headers))) return false;
    this.#onChange();
    return true;
  }
}

/** `copilot-cli/1.0 (linux)` is `copilot-cli`. */
function nameOf(headers: HttpHeaders): string {
  const [product = ''] = (headers.get('user-agent') ?? '').trim().split(/[/\s(]/, 1);
  return product.slice(0, MAX_NAME_LENGTH);
}
