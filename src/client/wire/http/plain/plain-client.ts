import type { Socket } from 'node:net';
import { type CancelTimer, type Clock, nextTurn } from '../../../../base/environment.ts';
import type { ConnectionAge, HttpInit, HttpResponse } from '../../../../base/http-client.ts';
import { NotConnectedError } from '../network-error.ts';
import { CONNECT_LIMIT_MS, noAnswer } from '../node/connecting.ts';
import { abortError } from '../node/incoming-body.ts';
import { MAX_WAIT_MS, MAX_WAITING, type Moment, PROBE_AFTER_MS, waited } from '../node/sockets.ts';
import { AnswerHeads } from './answer-reader.ts';
import { PlainConnection, type PlainOwner } from './plain-connection.ts';
import { type Decode, exchanged } from './plain-exchange.ts';
import { RequestHeads } from './request-head.ts';

/** A connection to the port of an address, once it is made. */
export type Connect = (port: number) => Promise<Socket>;

type Net = Pick<typeof import('node:net'), 'connect'>;

/** A server of this machine that closes after so many s is not relied on for the last of them; as in Node.js. */
const HINT_MARGIN_S = 1;

/**
 * Requests of plain HTTP/1.1 to servers of this machine, on sockets alone (decision 0016). Connections that wait are kept
 * by their place.
 */
export class PlainClient implements PlainOwner {
  readonly heads = new AnswerHeads();
  readonly #net: Net;
  readonly #clock: Clock;
  readonly #decode: Decode;
  readonly #connect: Connect | undefined;
  readonly #requestHeads = new RequestHeads();
  readonly #waiting = new Map<string, PlainConnection[]>();
  readonly #all = new Set<PlainConnection>();
  #stopSweeping: CancelTimer | undefined;
  #isClosed = false;

  /** @param connect makes the connections, in place of the platform */
  constructor(net: Net, clock: Clock, decode: Decode, connect: Connect | undefined) {
    this.#net = net;
    this.#clock = clock;
    this.#decode = decode;
    this.#connect = connect;
  }

  /** Whether there is a connection at all, at work or waiting. */
  get hasAny(): boolean {
    return this.#all.size > 0;
  }

  /** Lets go of those that have waited for too long, and of those that the other side has closed. */
  leave(age: ConnectionAge): void {
    const now = this.#now();
    const mayCarry = (each: PlainConnection) =>
      each.isOpen && waited(each.waitsSince, now) <= MAX_WAIT_MS[age];
    for (const [place, connections] of this.#waiting) {
      if (connections.every(mayCarry)) continue;
      const kept = connections.filter(mayCarry);
      this.#waiting.set(place, kept);
      for (const each of connections) {
        // Whoever waits for a new one goes first.
        if (!kept.includes(each)) void nextTurn().then(() => each.destroy());
      }
    }
  }

  async send(url: URL, init: HttpInit): Promise<HttpResponse> {
    const { method = 'GET', headers, body, signal } = init;
    if (signal?.aborted) throw abortError(signal.reason);
    const head = this.#requestHeads.of(method, url, headers, typeof body === 'string' ? body : '');
    const place = init.socketPath ?? url.host;
    // The one that has waited longest goes first: with many calls at work none grows old.
    const waiting = this.#waiting.get(place)?.shift();
    init.onConnection?.(waiting !== undefined);
    const connection = waiting ?? (await this.#made(place, url, init));
    if (signal?.aborted) {
      connection.destroy();
      throw abortError(signal.reason);
    }
    return exchanged(connection, head, init, this.#decode);
  }

  close(): void {
    this.#isClosed = true;
    this.#stopSweeping?.();
    this.#waiting.clear();
    for (const connection of [...this.#all]) connection.destroy();
  }

  async #made(place: string, url: URL, init: HttpInit): Promise<PlainConnection> {
    const port = Number(url.port || 80);
    const socket = this.#connect
      ? await this.#connect(port).catch((error: Error) => Promise.reject(NotConnectedError.of(error)))
      : this.#net.connect({
          // A literal of IPv6 stands in brackets in an address, and in none elsewhere.
          ...(init.socketPath !== undefined
            ? { path: init.socketPath }
            : { host: url.hostname.replace(/^\[|\]$/g, ''), port }),
          noDelay: true,
          keepAlive: true,
          keepAliveInitialDelay: PROBE_AFTER_MS,
        });
    const giveUp = () => connection.destroy(new NotConnectedError(noAnswer, { code: 'ETIMEDOUT' }));
    let stop = () => {};
    const connection: PlainConnection = new PlainConnection(socket, place, this, () => stop());
    // Of one that has been closed already nobody would hear so again.
    if (socket.destroyed)
      throw new NotConnectedError('the connection was closed at once', { code: 'ECONNRESET' });
    if (socket.connecting) stop = this.#clock.after(CONNECT_LIMIT_MS, giveUp, { background: true });
    this.#all.add(connection);
    return connection;
  }

  readonly onFree = (connection: PlainConnection, keepsAlive: boolean): void => {
    const { place, keepsForS = Number.POSITIVE_INFINITY } = connection;
    if (!keepsAlive) return;
    const waiting = this.#waiting.get(place) ?? [];
    if (this.#isClosed || keepsForS <= HINT_MARGIN_S || waiting.length >= MAX_WAITING) {
      connection.destroy();
      return;
    }
    connection.rest(this.#now());
    if (waiting.push(connection) === 1) this.#waiting.set(place, waiting);
    this.#stopSweeping ??= this.#clock.after(MAX_WAIT_MS.kept, () => this.#sweep(), { background: true });
  };

  readonly onGone = (connection: PlainConnection): void => {
    const { place } = connection;
    this.#all.delete(connection);
    const left = this.#waiting.get(place)?.filter((each) => each !== connection) ?? [];
    if (left.length > 0) this.#waiting.set(place, left);
    else this.#waiting.delete(place);
  };

  /** One timer for all: what waits is let go of after one to two seconds, and used for one. */
  #sweep(): void {
    this.#stopSweeping = undefined;
    this.leave('kept');
    if (this.#waiting.size > 0 && !this.#isClosed) {
      this.#stopSweeping = this.#clock.after(MAX_WAIT_MS.kept, () => this.#sweep(), { background: true });
    }
  }

  #now(): Moment {
    return { monotonic: this.#clock.monotonic(), wall: this.#clock.now() };
  }
}
