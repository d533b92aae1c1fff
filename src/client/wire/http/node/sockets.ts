import type { Agent } from 'node:http';
import { type Clock, nextTurn } from '../../../../base/environment.ts';
import type { ConnectionAge } from '../../../../base/http-client.ts';

/** For how long a connection may have waited for its next request, in ms. */
export const MAX_WAIT_MS: Readonly<Record<ConnectionAge, number>> = {
  new: -1,
  // Far below the shortest wait after which servers close a connection, and far above what lies between two calls of
  // somebody who is in a hurry. A new connection takes 0.2 ms on loopback.
  recent: 20,
  // Uvicorn, Node.js and many proxies close after five seconds, without a word.
  kept: 1000,
};

/** Connections that wait for their next request, a second each; more are closed when theirs is done. */
export const MAX_WAITING = 256;

/** After how much silence on a stream the other machine is asked by TCP whether it is there, in ms; Node.js says 1,000. */
export const PROBE_AFTER_MS = 30_000;

/** The one that has waited longest goes first: with many calls at work none grows old. */
const scheduling = 'fifo';

/** What an agent is made with: it closes by itself what has waited for too long, and heeds a shorter `Keep-Alive` hint. */
export const agentOptions = {
  keepAlive: true,
  maxFreeSockets: MAX_WAITING,
  timeout: MAX_WAIT_MS.kept,
  keepAliveMsecs: PROBE_AFTER_MS,
  scheduling,
} as const;

type Socket = Agent['freeSockets'][string] extends readonly (infer S)[] | undefined ? S : never;

export interface Moment {
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
    return hasSockets(this.#agent.freeSockets) || hasSockets(this.#agent.sockets);
  }

  /** Lets go of those that have waited for too long, and of those that the other side has closed. */
  leave(age: ConnectionAge): void {
    const now = this.#now();
    for (const sockets of Object.values(this.#agent.freeSockets)) {
      for (const socket of [...(sockets ?? [])]) {
        if (waited(this.#since.get(socket), now) <= MAX_WAIT_MS[age] && socket.writable) continue;
        // Out of the list at once: the agent takes one also that is being closed.
        sockets?.splice(sockets.indexOf(socket), 1);
        // Whoever waits for a new one goes first.
        void nextTurn().then(() => socket.destroy());
      }
    }
  }

  #now(): Moment {
    return { monotonic: this.#clock.monotonic(), wall: this.#clock.now() };
  }
}

/** For how long, by whichever clock says more, in ms. */
export function waited(since: Moment | undefined, now: Moment): number {
  if (!since) return Number.POSITIVE_INFINITY;
  return Math.max(now.monotonic - since.monotonic, Math.abs(now.wall - since.wall));
}

function hasSockets(lists: Agent['freeSockets']): boolean {
  for (const name in lists) if (lists[name]?.length) return true;
  return false;
}
