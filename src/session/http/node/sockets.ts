import type { Agent } from 'node:http';
import type { Clock } from '../../environment.ts';
import type { ConnectionAge } from '../http-client.ts';

/** For how long a connection may have waited for its next request, in ms. */
const MAX_WAIT_MS: Readonly<Record<ConnectionAge, number>> = {
  new: -1,
  // Far below the shortest wait after which servers close a connection, and far above what lies between two calls of
  // somebody who is in a hurry. A new connection takes 0.2 ms on loopback.
  recent: 20,
  // Uvicorn, Node.js and many proxies close after five seconds, without a word.
  kept: 1000,
};

/** Connections that wait for their next request, a second each; more are closed when theirs is done. */
const MAX_WAITING = 256;

/** The one that has waited longest goes first: with many calls at work none grows old. */
const scheduling = 'fifo';

/** What an agent is made with: it closes by itself what has waited for too long, and heeds a shorter `Keep-Alive` hint. */
export const agentOptions = {
  keepAlive: true,
  maxFreeSockets: MAX_WAITING,
  timeout: MAX_WAIT_MS.kept,
  scheduling,
} as const;

type Socket = Agent['freeSockets'][string] extends readonly (infer S)[] | undefined ? S : never;

interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

/**
 * The connections of an agent that wait, and since when. By both clocks: while a machine sleeps, one of them may stand
 * still, and what stands between two machines forgets their connections.
 */
export class WaitingSockets {
  readonly #agent: Agent;
  readonly #clock: Clock;
  readonly #since = new WeakMap<Socket, Moment>();

  constructor(agent: Agent, clock: Clock) {
    this.#agent = agent;
    this.#clock = clock;
    const keep = agent.keepSocketAlive.bind(agent) as (socket: Socket) => boolean;
    const noting: (socket: Socket) => boolean = (socket) => {
      this.#since.set(socket, this.#now());
      return keep(socket);
    };
    agent.keepSocketAlive = noting as Agent['keepSocketAlive'];
  }

  /** Whether there is a connection at all, at work or waiting. */
  get hasAny(): boolean {
    const { sockets, freeSockets } = this.#agent;
    for (const _ in freeSockets) return true;
    for (const _ in sockets) return true;
    return false;
  }

  /** Closes those that have waited for too long, and those that the other side has closed. */
  leave(age: ConnectionAge): void {
    const now = this.#now();
    for (const sockets of Object.values(this.#agent.freeSockets)) {
      for (const socket of [...(sockets ?? [])]) {
        const isFresh = this.#waited(socket, now) <= MAX_WAIT_MS[age] && socket.writable;
        if (!isFresh) drop(socket, sockets);
      }
    }
  }

  #now(): Moment {
    return { monotonic: this.#clock.monotonic(), wall: this.#clock.now() };
  }

  #waited(socket: Socket, now: Moment): number {
    const since = this.#since.get(socket);
    if (!since) return Number.POSITIVE_INFINITY;
    return Math.max(now.monotonic - since.monotonic, Math.abs(now.wall - since.wall));
  }
}

/** The agent takes the last of its list, also one that was destroyed a moment ago. */
function drop(socket: Socket, sockets: Socket[] | undefined): void {
  socket.destroy();
  const index = sockets?.indexOf(socket) ?? -1;
  if (index >= 0) sockets?.splice(index, 1);
}
