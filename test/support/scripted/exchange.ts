import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { ExchangeEnd, RequestRecord, RpcMessage } from './request.ts';

/** The record of a request while the server still writes to it. */
type OpenRecord = { -readonly [Name in keyof RequestRecord]: RequestRecord[Name] };

/** One request and its answer, on the server's side. */
export class Exchange {
  readonly record: OpenRecord;
  readonly response: ServerResponse;
  #cut = false;

  private constructor(record: OpenRecord, response: ServerResponse) {
    this.record = record;
    this.response = response;
  }

  /** Reads the whole request; undefined when the client hung up in the middle of it. */
  static async read(
    request: IncomingMessage,
    response: ServerResponse,
    connection: number,
  ): Promise<Exchange | undefined> {
    const at = Date.now();
    const body = await text(request).catch(() => undefined);
    if (body === undefined) return undefined;
    const message = parse(body);
    const params = message?.params;
    const isCall = message?.method === 'tools/call';
    const record: OpenRecord = {
      n: 0,
      at,
      method: request.method ?? '',
      path: request.url ?? '',
      rpc: message?.method,
      id: message?.id,
      message,
      text: body,
      tool: isCall ? String(params?.name) : undefined,
      key: isCall ? (params?.arguments as { key?: string } | undefined)?.key : undefined,
      sessionId: header(request, 'mcp-session-id'),
      protocolVersionHeader: header(request, 'mcp-protocol-version'),
      lastEventId: header(request, 'last-event-id'),
      headers: request.headers,
      connection,
      status: undefined,
      ended: undefined,
    };
    return new Exchange(record, response);
  }

  /** True when nobody is there to answer any more. */
  get gone(): boolean {
    return this.response.destroyed || (this.response.socket?.destroyed ?? true);
  }

  /** Notes that the server itself ends this exchange without its answer. */
  markCut(): void {
    this.#cut = true;
  }

  /** Notes how it ended; for the server, when the response has closed. */
  close(): void {
    const ended: ExchangeEnd = this.#cut
      ? 'cut by server'
      : this.response.writableFinished
        ? 'answered'
        : 'cut by client';
    this.record.ended = ended;
  }
}

function parse(body: string): RpcMessage | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as RpcMessage)
      : undefined;
  } catch {
    return undefined;
  }
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
