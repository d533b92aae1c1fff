import { LoggingLevelSchema } from '@modelcontextprotocol/sdk/types.js';
import { isResultResponse, type Request, type Response } from '../../protocol/message.ts';
import { peek, withValue } from '../../protocol/message-text.ts';
import { isSetting, SessionSettings } from '../../protocol/session-settings.ts';
import type { SharedClient } from './shared-client.ts';

/** From the most verbose to the least. */
const LEVELS: readonly string[] = LoggingLevelSchema.options;

/** Subscriptions of one client that are remembered; everybody hears of changes of those after them. */
export const MAX_SUBSCRIPTIONS = 10_000;

/** What clients have set in a session that they share: the server knows one setting, and each client its own. */
export class SharedSettings {
  readonly #settings = new Map<SharedClient, SessionSettings>();

  /**
   * A setting as the server is to have it; undefined when it has it already, because of another client, and need not
   * be asked. The log level of the session is the most verbose that is asked for.
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

  /** Takes note of a setting that was answered, by the server or in its place. */
  learn(client: SharedClient, request: Request, response: Response): void {
    if (!isSetting(request.method) || !isResultResponse(response)) return;
    const settings = this.#settings.get(client) ?? new SessionSettings(MAX_SUBSCRIPTIONS);
    this.#settings.set(client, settings);
    settings.apply(request);
  }

  /** Forgets a client. @returns what the server is to be asked for, since nobody else wants it */
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

  /** The most verbose level that is asked for; undefined when none is. */
  get level(): string | undefined {
    return mostVerbose([...this.#settings.values()].map(({ logLevel }) => logLevel));
  }

  /** Whether a client wants log messages of a level. One that has never said wants what there is. */
  wants(client: SharedClient, level: unknown): boolean {
    const own = this.#settings.get(client)?.logLevel;
    return own === undefined || LEVELS.indexOf(String(level)) >= LEVELS.indexOf(own);
  }

  /**
   * Who is to hear of a change of a resource; undefined for everybody: it may be a part of one that was subscribed to,
   * or was subscribed to before this process began.
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
