import { isResultResponse, type Request, type Response } from '../../protocol/message.ts';
import type { ResumableSession } from './resumable.ts';

const SETTINGS = new Set(['logging/setLevel', 'resources/subscribe', 'resources/unsubscribe']);

/**
 * What a session held on the server's side, as seen from its traffic: log level and resource subscriptions. The
 * server forgets both with the session, and no client that is known restores them (protocol.md, C.3).
 */
export class Restoration {
  readonly #maxSubscriptions: number;
  readonly #subscriptions = new Map<string, Request['params']>();
  #logLevel: string | undefined;

  constructor(maxSubscriptions: number) {
    this.#maxSubscriptions = maxSubscriptions;
  }

  get logLevel(): string | undefined {
    return this.#logLevel;
  }

  get subscriptions(): number {
    return this.#subscriptions.size;
  }

  /** All of it, for another connection. */
  get kept(): Pick<ResumableSession, 'logLevel' | 'subscriptions'> {
    return { logLevel: this.#logLevel, subscriptions: [...this.#subscriptions.values()] };
  }

  /** Takes over what another connection has kept. */
  take({ logLevel, subscriptions }: Pick<ResumableSession, 'logLevel' | 'subscriptions'>): void {
    this.#logLevel = logLevel;
    for (const params of subscriptions.slice(0, this.#maxSubscriptions)) {
      this.#subscriptions.set(String(params?.uri), params);
    }
  }

  /** Looks at an answered request of the client. */
  observe(request: Request, response: Response): void {
    if (!SETTINGS.has(request.method) || !isResultResponse(response)) return;
    const { level, uri } = request.params ?? {};
    if (request.method === 'logging/setLevel' && typeof level === 'string') this.#logLevel = level;
    if (typeof uri !== 'string') return;
    if (request.method === 'resources/unsubscribe') this.#subscriptions.delete(uri);
    if (request.method === 'resources/subscribe' && this.#subscriptions.size < this.#maxSubscriptions) {
      this.#subscriptions.set(uri, request.params);
    }
  }

  /** The requests that put it all back on a new session. */
  requests(newId: () => string): Request[] {
    const make = (method: string, params: Request['params']): Request => ({
      jsonrpc: '2.0',
      id: newId(),
      method,
      params,
    });
    const subscribe = [...this.#subscriptions.values()].map((params) => make('resources/subscribe', params));
    return this.#logLevel === undefined
      ? subscribe
      : [make('logging/setLevel', { level: this.#logLevel }), ...subscribe];
  }
}
