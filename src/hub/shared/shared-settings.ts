import { LoggingLevelSchema } from '@modelcontextprotocol/sdk/types.js';
import { isResultResponse, type Request, type Response } from '../../protocol/message.ts';
import { peek, withValue } from '../../protocol/message-text.ts';
import type { Port } from './port.ts';

/** From the most verbose to the least. */
const LEVELS: readonly string[] = LoggingLevelSchema.options;

/** What clients have set in a session that they share: the server knows one setting, and each client its own. */
export class SharedSettings {
  readonly #levels = new Map<Port, string>();
  readonly #subscribers = new Map<string, Set<Port>>();

  /**
   * A setting as the server is to have it; undefined when it has it already, because of another client, and need not
   * be asked. The log level of the session is the most verbose that is asked for.
   */
  toServer(port: Port, request: Request): Request | undefined {
    const at = (key: string) => peek(request, ['params', key]);
    switch (request.method) {
      case 'logging/setLevel': {
        const others = [...this.#levels].filter(([each]) => each !== port).map(([, other]) => other);
        const level = at('level');
        const wanted = mostVerbose([...others, String(level)]);
        if (wanted === this.level) return undefined;
        return wanted === level ? request : withValue(request, ['params', 'level'], wanted);
      }
      case 'resources/subscribe':
        return this.#subscribers.has(String(at('uri'))) ? undefined : request;
      case 'resources/unsubscribe':
        return this.#isSharedWithOthers(port, String(at('uri'))) ? undefined : request;
      default:
        return request;
    }
  }

  /** Takes note of a setting that was answered, by the server or in its place. */
  learn(port: Port, request: Request, response: Response): void {
    if (!isResultResponse(response)) return;
    const { method } = request;
    const uri = String(peek(request, ['params', 'uri']));
    if (method === 'logging/setLevel') this.#levels.set(port, String(peek(request, ['params', 'level'])));
    if (method === 'resources/subscribe') {
      this.#subscribers.set(uri, (this.#subscribers.get(uri) ?? new Set()).add(port));
    }
    if (method === 'resources/unsubscribe') this.#unsubscribe(port, uri);
  }

  /** Forgets a client. @returns what the server is to be asked for, since nobody else wants it */
  forget(port: Port): Pick<Request, 'method' | 'params'>[] {
    const before = this.level;
    this.#levels.delete(port);
    const after = this.level;
    const uris = [...this.#subscribers].filter(([, ports]) => ports.has(port)).map(([uri]) => uri);
    for (const uri of uris) this.#unsubscribe(port, uri);
    const unwanted = uris.filter((uri) => !this.#subscribers.has(uri));
    return [
      ...(after !== undefined && after !== before
        ? [{ method: 'logging/setLevel', params: { level: after } }]
        : []),
      ...unwanted.map((uri) => ({ method: 'resources/unsubscribe', params: { uri } })),
    ];
  }

  /** The most verbose level that is asked for; undefined when none is. */
  get level(): string | undefined {
    return mostVerbose([...this.#levels.values()]);
  }

  /** Whether a client wants log messages of a level. One that has never said wants what there is. */
  wants(port: Port, level: unknown): boolean {
    const own = this.#levels.get(port);
    return own === undefined || LEVELS.indexOf(String(level)) >= LEVELS.indexOf(own);
  }

  /**
   * Who is to hear of a change of a resource; undefined for everybody: it may be a part of one that was subscribed to,
   * or was subscribed to before this process began.
   */
  subscribers(uri: unknown): ReadonlySet<Port> | undefined {
    return this.#subscribers.get(String(uri));
  }

  #isSharedWithOthers(port: Port, uri: string): boolean {
    return [...(this.#subscribers.get(uri) ?? [])].some((each) => each !== port);
  }

  #unsubscribe(port: Port, uri: string): void {
    const ports = this.#subscribers.get(uri);
    ports?.delete(port);
    if (ports?.size === 0) this.#subscribers.delete(uri);
  }
}

function mostVerbose(levels: readonly string[]): string | undefined {
  return levels.toSorted((a, b) => LEVELS.indexOf(a) - LEVELS.indexOf(b))[0];
}
