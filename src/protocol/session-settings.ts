import type { Request } from './message.ts';
import { peek } from './text/message-text.ts';

/** The parameters of a `resources/subscribe` that is in force. */
type SubscribeParams = Readonly<Record<string, unknown>> | undefined;

/** The settings of a session as plain data, safe to serialise. */
export interface SettingsSnapshot {
  readonly logLevel: string | undefined;
  readonly subscriptions: readonly SubscribeParams[];
}

export type SettingRequest = Pick<Request, 'method' | 'params'>;

/** The requests that change the settings of a session. */
const METHODS: ReadonlySet<string> = new Set([
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
]);

/** Whether a request changes a setting of its session. */
export function isSetting(method: string): boolean {
  return METHODS.has(method);
}

/** The requests that make these settings on a new session; each still needs an id. */
export function settingRequests({ logLevel: level, subscriptions }: SettingsSnapshot): SettingRequest[] {
  return [
    ...(level === undefined ? [] : [{ method: 'logging/setLevel', params: { level } }]),
    ...subscriptions.map((params) => ({ method: 'resources/subscribe', params })),
  ];
}

/**
 * Log level and resource subscriptions of one session, as far as its traffic shows. The server forgets both with the
 * session, and no client that is known restores them (protocol.md, C.3).
 */
export class SessionSettings {
  readonly #maxSubscriptions: number;
  readonly #subscriptions = new Map<string, SubscribeParams>();
  #logLevel: string | undefined;

  /** @param maxSubscriptions subscriptions remembered at one time; later ones are not */
  constructor(maxSubscriptions: number) {
    this.#maxSubscriptions = maxSubscriptions;
  }

  get logLevel(): string | undefined {
    return this.#logLevel;
  }

  /** The number of subscriptions. */
  get size(): number {
    return this.#subscriptions.size;
  }

  get uris(): readonly string[] {
    return [...this.#subscriptions.keys()];
  }

  isSubscribed(uri: string): boolean {
    return this.#subscriptions.has(uri);
  }

  /** Takes in a request that was answered with a result. Every other request is passed over. */
  apply(request: SettingRequest): void {
    const { method } = request;
    if (!isSetting(method)) return;
    if (method === 'logging/setLevel') {
      const level = peek(request, ['params', 'level']);
      if (typeof level === 'string') this.#logLevel = level;
      return;
    }
    const uri = peek(request, ['params', 'uri']);
    if (typeof uri !== 'string') return;
    if (method === 'resources/unsubscribe') this.#subscriptions.delete(uri);
    else this.#subscribe(uri, request.params);
  }

  snapshot(): SettingsSnapshot {
    return { logLevel: this.#logLevel, subscriptions: [...this.#subscriptions.values()] };
  }

  /** Takes the place of what was known. */
  restore({ logLevel, subscriptions }: SettingsSnapshot): void {
    this.#logLevel = logLevel;
    this.#subscriptions.clear();
    for (const params of subscriptions) this.#subscribe(String(params?.uri), params);
  }

  #subscribe(uri: string, params: SubscribeParams): void {
    if (this.#subscriptions.has(uri) || this.#subscriptions.size < this.#maxSubscriptions) {
      this.#subscriptions.set(uri, params);
    }
  }
}
