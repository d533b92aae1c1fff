import { product } from '../../base/product.ts';
import { LATEST_REVISION } from '../../protocol/http/headers.ts';
import type { Request, ResultResponse } from '../../protocol/message.ts';

/** What a server says of itself in its answer to `initialize`. */
export interface ServerFacts {
  readonly name: string;
  readonly version: string;
  readonly protocolVersion: string;
  readonly capabilities: string;
  readonly instructions: string;
}

/**
 * The client's `initialize`, remembered so that it can be replayed, and what the server answered, so that a changed
 * server is noticed. Replayed under an id of our own: the client's id is settled, and its answer was delivered.
 */
export class Handshake {
  #initialize: Request | undefined;
  #server: ServerFacts | undefined;
  #answer: ResultResponse['result'] | undefined;
  /** Whether the client has said `notifications/initialized`; from then on a replay says it too. */
  initialized = false;

  get server(): ServerFacts | undefined {
    return this.#server;
  }

  /** The server's last answer to `initialize`. */
  get answer(): ResultResponse['result'] | undefined {
    return this.#answer;
  }

  remember(initialize: Request): void {
    this.#initialize = initialize;
  }

  /** The same handshake under `id`. Without a remembered one (a continued session), a plain one of our own. */
  replay(id: string): Request {
    const params = this.#initialize?.params ?? {
      protocolVersion: LATEST_REVISION,
      capabilities: {},
      clientInfo: product,
    };
    return { jsonrpc: '2.0', id, method: 'initialize', params };
  }

  /** Whether the server that answers bears the name of the one before. */
  isSameServer({ result }: ResultResponse): boolean {
    return serverFacts(result).name === this.#server?.name;
  }

  /** Takes the server's answer in, and says what differs from the one before. */
  learn({ result }: ResultResponse): readonly string[] {
    const before = this.#server;
    this.#answer = result;
    this.#server = serverFacts(result);
    if (!before) return [];
    const now = this.#server;
    const keys = ['name', 'version', 'protocolVersion', 'capabilities', 'instructions'] as const;
    return keys.filter((key) => before[key] !== now[key]);
  }
}

function serverFacts(result: ResultResponse['result']): ServerFacts {
  const info = (result.serverInfo ?? {}) as { name?: unknown; version?: unknown };
  return {
    name: String(info.name ?? ''),
    version: String(info.version ?? ''),
    protocolVersion: String(result.protocolVersion ?? ''),
    capabilities: JSON.stringify(result.capabilities ?? {}),
    instructions: String(result.instructions ?? ''),
  };
}
