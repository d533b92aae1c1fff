import { LoggingLevelSchema } from '@modelcontextprotocol/sdk/types.js';
import { isResultResponse, type Request, type Response } from '../../protocol/message.ts';
import { isSetting, SessionSettings } from '../../protocol/session-settings.ts';
import { peek, withValue } from '../../protocol/text/message-text.ts';
import type { SharedClient } from './shared-client.ts';

/** From the most verbose to the least. */
const LEVELS: readonly string[] = LoggingLevelSchema.options;

/** Limit of remembered subscriptions of one client. Changes of resources beyond it go to all clients. */
export const MAX_SUBSCRIPTIONS = 10_000;

/** Settings of the clients in a shared session. The server has one setting, each client its own. */
export class SharedSettings {
  readonly #settings = new Map<SharedClient, SessionSettings>();

  /**
   * The setting to send to the server; undefined when another client already set it. The session's log level
   * is the most verbose one requested.
   */
  toServer(client: SharedClient, request: Request): Request | undefined {
    const at = (key: string) => peek(request, ['params', key]);
    const others = [...this.#settings].filter(([each]) => each !== client).map(([, each]) => each);
    switch (request.method) {
      case 'logging/setLevel': {
        const level = at('level');
        const wanted = mostVerbose([...others.map(({ logLevel }) => logLevel), String(level)]);
        if (wanted === this.level) return undefined;
        return wanted === level ? request : withValue(request, ['params', 'level'], wanted);
      }
      case 'resources/subscribe':
        return this.subscribers(at('uri')) ? undefined : request;
      case 'resources/unsubscribe': {
        const uri = String(at('uri'));
        return others.some((each) => each.isSubscribed(uri)) ? undefined : request;
      }
      default:
        return request;
    }
  }

  /** Records a setting after its answer, from the server or in its place. */
  learn(client: SharedClient, request: Request, response: Response): void {
    if (!isSetting(request.method) || !isResultResponse(response)) return;
    const settings = this.#settings.get(client) ?? new SessionSettings(MAX_SUBSCRIPTIONS);
    this.#settings.set(client, settings);
    settings.apply(request);
  }

  /** Removes a client. @returns requests that undo settings of no other client */
  forget(client: SharedClient): Pick<Request, 'method' | 'params'>[] {
    const before = this.level;
    const uris = this.#settings.get(client)?.uris ?? [];
    this.#settings.delete(client);
    const after = this.level;
    const unwanted = uris.filter((uri) => !this.subscribers(uri));
    return [
      ...(after !== undefined && after !== before
        ? [{ method: 'logging/setLevel', params: { level: after } }]
        : []),
      ...unwanted.map((uri) => ({ method: 'resources/unsubscribe', params: { uri } })),
    ];
  }

  /** The most verbose requested level; undefined when none is. */
  get level(): string | undefined {
    return mostVerbose([...this.#settings.values()].map(({ logLevel }) => logLevel));
  }

  /** Whether a client wants log messages of a level. A client without a level wants all. */
  wants(client: SharedClient, level: unknown): boolean {
    const own = this.#settings.get(client)?.logLevel;
    return own === undefined || LEVELS.indexOf(String(level)) >= LEVELS.indexOf(own);
  }

  /**
   * The clients subscribed to a resource; undefined for all clients: the change may be of a sub-resource, or
   * the subscription may be older than this process.
   */
  subscribers(uri: unknown): readonly SharedClient[] | undefined {
    const subscribed = [...this.#settings].filter(([, each]) => each.isSubscribed(String(uri)));
    return subscribed.length === 0 ? undefined : subscribed.map(([client]) => client);
  }
}

function mostVerbose(levels: readonly (string | undefined)[]): string | undefined {
  const known = levels.filter((level) => level !== undefined);
  return known.toSorted((a, b) => LEVELS.indexOf(a) - LEVELS.indexOf(b))[0];
}
