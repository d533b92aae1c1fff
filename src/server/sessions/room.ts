import type { Clock } from '../../base/environment.ts';
import type { Incoming } from '../../endpoint/incoming.ts';
import { type Refusal, Refused, unavailable } from '../../endpoint/refusals.ts';
import type { Settings } from '../options.ts';
import type { Session } from './session.ts';

/** The sessions of this process. */
interface HeldSessions {
  readonly size: number;
  readonly all: readonly Session[];
}

export interface RoomOptions {
  readonly settings: Pick<Settings, 'maxSessions' | 'maxSessionsPerPrincipal' | 'retryAfterSeconds'>;
  readonly clock: Clock;
  readonly held: HeldSessions;
  /** Hibernates a session, unless that would lose data. */
  readonly hibernate: (session: Session, reason: string, mayEnd?: () => boolean) => Promise<void>;
}

/** Keeps the number of held sessions within its limits (`maxSessions`, `maxSessionsPerPrincipal`). */
export class Room {
  readonly #options: RoomOptions;

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  /**
   * Hibernates the session that was idle for longest. Most clients never end their sessions, and the id stays
   * valid: the client's next request restores the session. When none is idle, a session whose client only
   * listens makes room for a request; not for another GET stream, or the two would take turns for ever.
   * @throws Refused when no session can hibernate now
   */
  async make({ refusal, principal }: Full, { request }: Incoming): Promise<void> {
    const theirs = this.#options.held.all.filter(
      (session) => principal === undefined || session.principal === principal,
    );
    const restedBefore = this.#options.clock.monotonic() - LISTENING_MS;
    const listening = (session: Session) => {
      const since = request.method === 'POST' ? session.listeningSince : undefined;
      return since !== undefined && since <= restedBefore ? since : undefined;
    };
    const why = 'idle for longest, where another wanted its place';
    for (const session of longestFirst(theirs, (each) => each.quietSince)) {
      await this.#options.hibernate(session, why);
      if (session.hasEnded) return;
    }
    for (const session of longestFirst(theirs, listening)) {
      await this.#options.hibernate(session, why, () => session.isQuiet || listening(session) !== undefined);
      if (session.hasEnded) return;
    }
    throw new Refused(refusal);
  }

  /** The reason why there is no room for one more session; undefined when there is. */
  fullFor(principal: string | undefined): Full | undefined {
    const { maxSessions, maxSessionsPerPrincipal, retryAfterSeconds } = this.#options.settings;
    if (this.#options.held.size >= maxSessions) {
      const message = `This server holds ${maxSessions} sessions already, and all are in use.`;
      return { refusal: unavailable(message, retryAfterSeconds), principal: undefined };
    }
    if (maxSessionsPerPrincipal === Number.POSITIVE_INFINITY || principal === undefined) return undefined;
    const held = this.#options.held.all.filter((session) => session.principal === principal).length;
    if (held < maxSessionsPerPrincipal) return undefined;
    const message = `You have ${maxSessionsPerPrincipal} sessions here already, and all are in use.`;
    return { refusal: unavailable(message, retryAfterSeconds, 429), principal };
  }
}

/**
 * The limit is reached: the refusal for the client if no room can be made, and the principal whose sessions
 * count.
 */
export interface Full {
  readonly refusal: Refusal;
  readonly principal: string | undefined;
}

/** How long a client must only have listened before its session makes room, in ms. */
const LISTENING_MS = 1000;

function longestFirst(
  sessions: readonly Session[],
  sinceOf: (session: Session) => number | undefined,
): readonly Session[] {
  const since = new Map(sessions.map((session) => [session, sinceOf(session)] as const));
  const meant = sessions.filter((session) => since.get(session) !== undefined);
  return meant.sort((a, b) => (since.get(a) ?? 0) - (since.get(b) ?? 0));
}
