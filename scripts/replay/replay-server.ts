import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Clock, sleep } from '../../src/base/environment.ts';
import { LAST_EVENT_ID_HEADER, SESSION_ID_HEADER } from '../../src/protocol/http/headers.ts';
import type { PlayedMessage, PlayedReply } from './played-replies.ts';
import { Player, type PlayerOptions } from './player.ts';
import type { Screenplay } from './screenplay.ts';

/** Limit of a request body, in bytes. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const EVENT_STREAM = { 'content-type': 'text/event-stream' };
const HOST = '127.0.0.1';
/** How long a port may be taken by what was just closed on it, in ms, and how often it is tried meanwhile. */
const PORT_PATIENCE_MS = 2000;
const PORT_RETRY_MS = 20;

export interface ReplayServerOptions extends Omit<PlayerOptions, 'stage' | 'clock' | 'newId'> {
  /** Default 0: any that is free. */
  readonly port?: number;
  readonly clock: Clock;
  readonly newId: () => string;
}

/** A recorded server, played over HTTP on the loopback interface. */
export class ReplayServer implements AsyncDisposable {
  readonly #player: Player;
  readonly #clock: Clock;
  readonly #sockets = new Set<Socket>();
  /** Answers being sent. */
  readonly #answers = new Set<Promise<void>>();
  readonly #streams = new Set<ServerResponse>();
  #http: Server | undefined;
  #port: number;
  #isClosed = false;

  /** @throws Error when the port is taken */
  static async start(play: Screenplay, options: ReplayServerOptions): Promise<ReplayServer> {
    const server = new ReplayServer(play, options);
    await server.#listen();
    return server;
  }

  private constructor(play: Screenplay, { port = 0, ...options }: ReplayServerOptions) {
    this.#port = port;
    this.#clock = options.clock;
    this.#player = new Player(play, {
      ...options,
      stage: {
        goAway: (ms) => void this.#goAway(ms),
        endStreams: (how) => this.#endStreams(how),
      },
    });
  }

  get url(): string {
    return `http://${HOST}:${this.#port}/mcp`;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#player.stop();
    await this.#deafen();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #listen(): Promise<void> {
    const http = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    http.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).once('close', () => this.#sockets.delete(socket));
    });
    await once(http.listen(this.#port, HOST), 'listening');
    this.#http = http;
    this.#port = (http.address() as AddressInfo).port;
  }

  async #goAway(ms: number): Promise<void> {
    const back = this.#clock.monotonic() + ms;
    // What was answered before it went had arrived.
    await Promise.all(this.#answers);
    await this.#deafen();
    const { signal } = new AbortController();
    await sleep(this.#clock, back - this.#clock.monotonic(), signal);
    while (!this.#isClosed && !this.#http) {
      await this.#listen().catch(async (error: unknown) => {
        if (this.#clock.monotonic() > back + PORT_PATIENCE_MS) throw error;
        await sleep(this.#clock, PORT_RETRY_MS, signal);
      });
    }
    if (this.#isClosed) await this.#deafen();
  }

  /** Like a killed process: every connection breaks, and new ones are refused. */
  async #deafen(): Promise<void> {
    const http = this.#http;
    this.#http = undefined;
    const closed = http && once(http, 'close');
    http?.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #endStreams(how: 'end' | 'cut'): void {
    for (const stream of this.#streams) {
      if (how === 'end') stream.end();
      else stream.destroy();
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method: verb } = request;
    const message = verb === 'POST' ? messageIn(await bodyOf(request)) : undefined;
    if (verb !== 'POST' && verb !== 'GET' && verb !== 'DELETE') return void response.writeHead(405).end();
    if (verb === 'POST' && message === undefined) return void response.writeHead(400).end();
    const reply = this.#player.reply({
      verb,
      message,
      sessionId: headerOf(request, SESSION_ID_HEADER),
      lastEventId: headerOf(request, LAST_EVENT_ID_HEADER),
    });
    await this.#perform(reply, response);
  }

  async #perform(reply: PlayedReply, response: ServerResponse): Promise<void> {
    switch (reply.kind) {
      case 'hold':
        if (reply.afterHead) response.writeHead(200, EVENT_STREAM).flushHeaders();
        return;
      case 'stream':
        this.#streams.add(response);
        response.once('close', () => this.#streams.delete(response));
        response.writeHead(200, reply.headers).flushHeaders();
        return;
      case 'answer':
        await this.#wait(reply.delayMs, response);
        response.writeHead(reply.status, reply.headers);
        this.#answer(response, reply.body);
        return;
      case 'cut':
        if (reply.start !== undefined) {
          response.writeHead(200, EVENT_STREAM).flushHeaders();
          // What is not written yet when the connection is cut never leaves.
          if (reply.start !== '') await written(response, reply.start);
        }
        await this.#wait(reply.delayMs, response);
        response.destroy();
    }
  }

  #answer(response: ServerResponse, body: string): void {
    const sent = new Promise<void>((resolve) => response.once('close', resolve));
    this.#answers.add(sent);
    void sent.then(() => this.#answers.delete(sent));
    response.end(body);
  }

  async #wait(ms: number, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    await sleep(this.#clock, ms, gone.signal);
  }
}

/** Resolves when part of an answer was written, or its client has left. */
function written(response: ServerResponse, text: string): Promise<void> {
  return new Promise((resolve) => {
    response.once('close', resolve);
    response.write(text, () => resolve());
  });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new Error('The body is too large.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function messageIn(text: string): PlayedMessage | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
