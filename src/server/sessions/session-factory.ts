import type { Handshake } from '../../endpoint/handshake.ts';
import type { RequestContext } from '../../endpoint/incoming.ts';
import { ResilientMcpError } from '../../protocol/errors.ts';
import type { SettingsSnapshot } from '../../protocol/session-settings.ts';
import type { Session, SessionServer } from './session.ts';

/**
 * Why a session is created. `new`: a client initialized. `adopted`: a client sent the id of a session that an
 * earlier process or another replica issued, or that hibernated here. `replaced`: a client sent an id that
 * cannot be verified.
 */
export type SessionReason = 'new' | 'adopted' | 'replaced';

export interface SessionRequest {
  readonly reason: SessionReason;
  /** The whole id. It is a credential: do not log it. */
  readonly sessionId: string;
  /** The request that opens or restores the session. Its body has been read. */
  readonly request: Request;
  readonly context: RequestContext;
  /** The client's `initialize` parameters, from this process or an earlier one. */
  readonly handshake: Handshake;
  /** The log level and subscriptions of an adopted session; undefined when its client has set none. */
  readonly settings: SettingsSnapshot | undefined;
  /**
   * The last value given to `setState`, in any process; undefined when there is none. Read it again for each
   * use, since another replica may have set it.
   */
  readonly state: unknown;
  /**
   * Keeps a small JSON value with the session, in the manager's store, for the factory of its next server.
   * Resolves when the store has it, or has failed, which is logged.
   * @throws ResilientMcpError `LIMIT_EXCEEDED` when its JSON is longer than `maxStateLength`
   */
  setState(value: unknown): Promise<void>;
}

/** Makes the server of one session. Called once per session: sessions must not share a server object. */
export type SessionFactory = (session: SessionRequest) => SessionServer | Promise<SessionServer>;

/** The `state` of a session, as the factory sees it. */
export class SessionState {
  readonly #session: Session;
  readonly #maxLength: number;
  readonly #keep: (value: unknown) => Promise<void>;

  constructor(session: Session, maxLength: number, keep: (value: unknown) => Promise<void>) {
    this.#session = session;
    this.#maxLength = maxLength;
    this.#keep = keep;
  }

  /** Adds `state` and `setState` to the factory's argument. Both may be destructured. */
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
    // The value as it will be restored. A property that JSON drops must not seem to be kept until the
    // restart.
    this.#session.state = JSON.parse(text);
    await this.#keep(this.#session.state);
  }
}
