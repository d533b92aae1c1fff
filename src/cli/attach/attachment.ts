import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { HealingTransport, MessageOrigin } from '../../client/healing-transport.ts';
import type { HealingOptions } from '../../client/options.ts';
import type { RelayUpstream } from '../../hub/server-definition.ts';
import { isResilientMcpError, ResilientMcpError } from '../../protocol/errors.ts';
import {
  isRequest,
  isResponse,
  isResultResponse,
  type Request,
  type RequestId,
} from '../../protocol/message.ts';
import { type LastCopy, LISTS } from './last-copy.ts';
import type { WindowGateway } from './window-gateway.ts';

export interface AttachmentOptions {
  readonly window: Pick<WindowGateway, 'presence' | 'workspace' | 'onmet'>;
  readonly copy: LastCopy;
  /** A new connection to the gateway, not started. */
  readonly connect: (how: HealingOptions) => HealingTransport;
  /** How long the first handshake waits for a window, in ms. */
  readonly connectPatienceMs: number;
}

/**
 * One client's way to the gateway of a window. While the window is closed, the handshake and lists are answered from
 * their last copy, and calls wait, and are then told so.
 */
export class Attachment implements RelayUpstream {
  onmessage?: <T extends JSONRPCMessage>(message: T, origin?: MessageOrigin) => void;
  readonly #options: AttachmentOptions;
  #connection: HealingTransport | undefined;
  /** Requests whose answers are saved, by id. */
  readonly #watched = new Map<RequestId, Request>();
  /** The lists that the client was told, as they are in the copy. */
  readonly #told = new Set<string>();
  #isIntroduced = false;
  #ownRequests = 0;

  constructor(options: AttachmentOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {}

  async send(message: JSONRPCMessage): Promise<void> {
    if (!isRequest(message)) return this.#isSaidAlready(message) ? undefined : this.#sendOn(message);
    const remembered = this.#remembered(message);
    if (message.method === 'initialize') this.#connect(message, remembered !== undefined);
    else if (remembered) this.#told.add(message.method);
    if (remembered) {
      this.onmessage?.({ jsonrpc: '2.0', id: message.id, result: { ...remembered } });
      return undefined;
    }
    return this.#sendOn(message);
  }

  async close(options: { readonly keepSession?: boolean } = {}): Promise<void> {
    const connection: { close(how: typeof options): Promise<void> } | undefined = this.#connection;
    await connection?.close(options);
  }

  /** The copy, where the truth is not to be had now. */
  #remembered(request: Request) {
    if (request.method !== 'initialize' && !LISTS.has(request.method)) return undefined;
    if (!this.#isAway) return undefined;
    return this.#options.copy.answerTo(request);
  }

  get #isAway(): boolean {
    try {
      const { presence } = this.#options.window;
      return (
        presence === 'away' || (presence === 'doubtful' && this.#connection?.snapshot().status !== 'ready')
      );
    } catch {
      // The request fails with the reason why the file is not used.
      return false;
    }
  }

  /** A client that was greeted from the copy is in the middle of its session when the window is there. */
  #connect(initialize: Request, wasGreeted: boolean): void {
    const { connect, connectPatienceMs } = this.#options;
    const patience = wasGreeted ? Number.POSITIVE_INFINITY : connectPatienceMs;
    const connection = connect({ connectPatienceMs: patience, takeOver: wasGreeted });
    this.#connection = connection;
    this.#isIntroduced = wasGreeted;
    connection.onmessage = (message, origin) => this.#take(message, origin);
    this.#options.window.onmet = () => {
      for (const method of this.#told) void this.#compare(connection, method);
    };
    void connection.start();
    if (wasGreeted) this.#ask(connection, initialize).catch(() => {});
  }

  async #sendOn(message: JSONRPCMessage): Promise<void> {
    if (!this.#connection) throw new ResilientMcpError('INVALID_STATE', 'initialize comes first.');
    if (isRequest(message) && isKept(message)) this.#watched.set(message.id, message);
    try {
      await this.#connection.send(message);
    } catch (error) {
      throw isResilientMcpError(error, 'SERVER_UNAVAILABLE') && this.#isAway ? this.#closed() : error;
    } finally {
      if (isRequest(message)) this.#watched.delete(message.id);
    }
  }

  #take(message: JSONRPCMessage, origin: MessageOrigin | undefined): void {
    const request = isResponse(message) ? this.#watched.get(message.id as RequestId) : undefined;
    if (request) this.#watched.delete(request.id);
    // Before the copy, which nobody waits for.
    if (!request || !isOwn(request)) this.onmessage?.(message, origin);
    if (!request || !isResultResponse(message)) return;
    if (LISTS.has(request.method)) this.#told.add(request.method);
    const { copy, window } = this.#options;
    copy.keep(request, message.result, window.workspace);
  }

  /** Tells the client of a list that is another than it was told: the window may have been closed for long. */
  async #compare(connection: HealingTransport, method: string): Promise<void> {
    const { copy } = this.#options;
    const list: Request = { jsonrpc: '2.0', id: '', method };
    const told = JSON.stringify(copy.answerTo(list));
    await this.#ask(connection, list).catch(() => {});
    const changed = LISTS.get(method);
    if (changed === undefined || JSON.stringify(copy.answerTo(list)) === told) return;
    this.onmessage?.({ jsonrpc: '2.0', method: changed });
  }

  /** Sends an internal request whose answer is saved, and not delivered to the client. */
  async #ask(connection: HealingTransport, request: Request): Promise<void> {
    const own = { ...request, id: `${OWN}${++this.#ownRequests}` };
    this.#watched.set(own.id, own);
    await connection.send(own as JSONRPCMessage).finally(() => this.#watched.delete(own.id));
  }

  /** `initialized`, of a client that was greeted from the copy: the connection says it when there is a session. */
  #isSaidAlready(message: JSONRPCMessage): boolean {
    return this.#isIntroduced && 'method' in message && message.method === 'notifications/initialized';
  }

  #closed(): ResilientMcpError {
    const { window, copy } = this.#options;
    const workspace = window.workspace ?? copy.workspace;
    const which = workspace ? `The VS Code window of "${workspace}"` : 'The VS Code window of this server';
    const message = `${which} is closed, or the extension Resilient MCP does not run in it. Nothing was run.`;
    const advice = 'Open it again, then call again: this session goes on.';
    return new ResilientMcpError('SERVER_UNAVAILABLE', message, { advice });
  }
}

/** Begins the ids of our own requests; no client has such. */
const OWN = 'resilient-mcp attach ';

function isOwn({ id }: Request): boolean {
  return typeof id === 'string' && id.startsWith(OWN);
}

function isKept({ method }: Request): boolean {
  return method === 'initialize' || LISTS.has(method);
}
