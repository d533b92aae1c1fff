import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** @param connection running number of the TCP connection: 1, 2, 3 … */
export type Handler = (request: IncomingMessage, response: ServerResponse, connection: number) => void;

/** The TCP side of the scripted server: what happens to its port and to its connections. */
export class Listener {
  /** Host and port as they stand in a URL. */
  readonly authority: string;
  readonly #host: string;
  readonly #port: number;
  readonly #server: Server;
  readonly #sockets = new Map<Socket, number>();
  readonly #thaws: (() => void)[] = [];
  #connections = 0;
  #frozen = false;

  /** It listens from the first {@link accept} on. */
  constructor(host: string, port: number, handler: Handler) {
    this.#host = host;
    this.#port = port;
    this.authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    this.#server = createServer((request, response) => {
      handler(request, response, this.#sockets.get(request.socket) ?? 0);
    });
    // A paused connection or a stream that is silent for long must end by the test's will, not by a default.
    this.#server.requestTimeout = 0;
    this.#server.headersTimeout = 0;
    this.#server.keepAliveTimeout = 0;
    this.#server.on('connection', (socket) => this.#welcome(socket));
    // A client that hangs up in the middle of a request is an everyday thing here.
    this.#server.on('clientError', (_error, socket) => socket.destroy());
  }

  /** Connections that were ever made to it. */
  get connections(): number {
    return this.#connections;
  }

  /** Connections that are open now, on this side. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Closes the port, so that connections are refused, and cuts those there are. */
  async refuse(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cutAll('close');
    await closed;
  }

  /** Listens again on the same port. */
  async accept(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.#port, this.#host);
    await once(this.#server, 'listening');
  }

  /** Ends every connection: `close` as the end of a process does, `reset` by an RST. */
  cutAll(how: 'close' | 'reset'): void {
    for (const socket of this.#sockets.keys()) {
      if (how === 'reset') socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  /** Leaves every present connection open and dead for ever: nothing is read and nothing written on it any more. */
  abandon(): void {
    for (const socket of this.#sockets.keys()) suspend(socket);
  }

  /** Reads and writes nothing on any connection, new ones included, until {@link thaw}. */
  freeze(): void {
    if (this.#frozen) return;
    this.#frozen = true;
    for (const socket of this.#sockets.keys()) this.#thaws.push(suspend(socket));
  }

  /** Goes on where it was frozen: with what has arrived meanwhile, and with what was to be written. */
  thaw(): void {
    this.#frozen = false;
    for (const goOn of this.#thaws.splice(0)) goOn();
  }

  #welcome(socket: Socket): void {
    this.#sockets.set(socket, ++this.#connections);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.once('close', () => this.#sockets.delete(socket));
    // The HTTP server has just scheduled the socket's first reading for the next tick; a pause before it would be undone.
    process.nextTick(() => {
      if (this.#frozen) this.#thaws.push(suspend(socket));
    });
  }
}

/** Reads and writes nothing on a socket until the function it returns is called; then all that waited goes on. */
function suspend(socket: Socket): () => void {
  socket.pause();
  // Not by cork(): the HTTP server opens every cork when a response ends. A stream hands its sink one write at a time and
  // waits for its callback, so keeping that one write back keeps everything back, in order.
  let goOn = () => {};
  const { _write: write, _writev: writev } = socket;
  socket._write = (chunk, encoding, done) => {
    goOn = () => write.call(socket, chunk, encoding, done);
  };
  socket._writev = (chunks, done) => {
    goOn = () => writev?.call(socket, chunks, done);
  };
  return () => {
    socket._write = write;
    if (writev) socket._writev = writev;
    goOn();
    socket.resume();
  };
}
