import type { Handshake } from '../../endpoint/handshake.ts';
import type { RequestContext } from '../../endpoint/incoming.ts';
import { ResilientMcpError } from '../../protocol/errors.ts';
import type { SettingsSnapshot } from '../../protocol/session-settings.ts';
import type { Session, SessionServer } from './session.ts';

/**
 * Why a session is created. `new`: a client asked for one. `adopted`: a client brought the id of a session that an
 * earlier process or another replica issued, or that was hibernated here. `replaced`: a client brought an id that nobody can vouch for.
 */
export type SessionReason = 'new' | 'adopted' | 'replaced';

export interface SessionRequest {
  readonly reason: SessionReason;
  /** Whole. It is a credential: do not log it. */
  readonly sessionId: string;
  /** The request that opens the session, or that brought it back. Its body has been read. */
  readonly request: Request;
  readonly context: RequestContext;
  /** What the client said of itself in `initialize`, in this process or an earlier one. */
  readonly handshake: Handshake;
  /** The log level and the subscriptions of an adopted session; undefined when its client has set none. */
  readonly settings: SettingsSnapshot | undefined;
  /**
   * What was last given to `setState`, in this process or an earlier one; undefined when nothing was. Read it again
   * for each use: another replica may have set it.
   */
  readonly state: unknown;
  /**
   * Keeps a small JSON value with the session, in the manager's store, for the factory of its next server. Resolves
   * when the store has it, or has failed, which a record says.
   * @throws ResilientMcpError `LIMIT_EXCEEDED` when its JSON is longer than `maxStateLength`
   */
  setState(value: unknown): Promise<void>;
}

/** Makes the server of one session. Called once per session: sessions must not share a server object. */
export type SessionFactory = (session: SessionRequest) => SessionServer | Promise<SessionServer>;

/** The small value that a server's author keeps with a session, as the factory sees it. */
export class SessionState {
  readonly #session: Session;
  readonly #maxLength: number;
  readonly #keep: (value: unknown) => Promise<void>;

  constructor(session: Session, maxLength: number, keep: (value: unknown) => Promise<void>) {
    this.#session = session;
    this.#maxLength = maxLength;
    this.#keep = keep;
  }

  /** What the factory is given, with `state` and `setState`, which may be taken out of it and used alone. */
  attachedTo<T extends object>(
    asked: T,
  ): T & { readonly state: unknown; setState(value: unknown): Promise<void> } {
    const session = this.#session;
    return {
      ...asked,
      get state() {
        return session.state;
      },
      setState: (value: unknown) => this.#set(value),
    };
  }

  async #set(value: unknown): Promise<void> {
    const text = JSON.stringify(value) ?? 'null';
    if (text.length > this.#maxLength) {
      const message = `The state of a session may have ${this.#maxLength} characters of JSON (maxStateLength), not ${text.length}.`;
      throw new ResilientMcpError('LIMIT_EXCEEDED', message);
    }
    // As it will come back: what JSON does not carry must not seem to be there until the restart.
    this.#session.state = JSON.parse(text);
    await this.#keep(this.#session.state);
  }
}
