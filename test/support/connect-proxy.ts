import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

/** A proxy as companies have it: CONNECT for https, whole addresses for http. Whatever is asked for is at one port. */
export class ConnectProxy implements AsyncDisposable {
  readonly #server = createServer();
  /** What was asked for: `CONNECT host:port`, or the method and the whole address. */
  readonly asked: string[] = [];
  /** Whether it lets anybody through. */
  isOpen = true;

  private constructor(port: number) {
    this.#server.on('connect', (request, client, head) => {
      this.asked.push(`CONNECT ${request.url}`);
      client.on('error', () => {});
      if (!this.isOpen) return client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      const server = connect(port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        server.write(head);
        server.pipe(client).pipe(server);
      });
      server.on('error', () => client.destroy());
      client.on('close', () => server.destroy());
      return undefined;
    });
    this.#server.on('request', (incoming, response) => {
      this.asked.push(`${incoming.method} ${incoming.url}`);
      const { pathname } = new URL(incoming.url ?? '');
      const { method, headers } = incoming;
      const outgoing = forward({ port, host: '127.0.0.1', path: pathname, method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      outgoing.on('error', () => response.destroy());
      incoming.pipe(outgoing);
    });
  }

  /** @param port of this machine, where everything is that is asked for */
  static async start(port: number): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(port);
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
