import { connect, type Socket } from 'node:net';

/** A hand on the wire: no client of any SDK between the test and the bytes. */
export class Wire {
  readonly url: string;
  sessionId: string | undefined;
  #id = 0;

  constructor(url: string) {
    this.url = url;
  }

  /** @param body a text is sent as it is */
  fetch(method: string, body?: object | string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.url, {
      method,
      headers: {
        accept: 'application/json, text/event-stream',
        ...(body ? { 'content-type': 'application/json' } : {}),
        ...(this.sessionId === undefined
          ? {}
          : { 'mcp-session-id': this.sessionId, 'mcp-protocol-version': '2025-11-25' }),
        ...headers,
      },
      ...(body ? { body: typeof body === 'string' ? body : JSON.stringify(body) } : {}),
    });
  }

  send(method: string, params: object = {}): Promise<Response> {
    return this.fetch('POST', { jsonrpc: '2.0', id: ++this.#id, method, params });
  }

  call(key: string, tool = 'count'): Promise<Response> {
    return this.send('tools/call', { name: tool, arguments: { key } });
  }

  async open(): Promise<this> {
    const clientInfo = { name: 'wire', version: '1' };
    const response = await this.send('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo,
    });
    await response.text();
    this.sessionId = response.headers.get('mcp-session-id') ?? undefined;
    await this.fetch('POST', { jsonrpc: '2.0', method: 'notifications/initialized' });
    return this;
  }
}

/** Writes a POST on a connection of its own and gives the connection. */
export async function rawPost(wire: Wire, body: string): Promise<Socket> {
  const socket = connect(Number(new URL(wire.url).port), '127.0.0.1');
  const head = [
    'POST /mcp HTTP/1.1',
    'Host: 127.0.0.1',
    'Accept: application/json, text/event-stream',
    'Content-Type: application/json',
    'Mcp-Protocol-Version: 2025-11-25',
    `Mcp-Session-Id: ${wire.sessionId}`,
    `Content-Length: ${body.length}`,
  ];
  await new Promise<void>((resolve) => {
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`, () => resolve());
  });
  return socket;
}
