import { ResilientMcpError } from '../protocol/errors.ts';
import type { Session } from './session.ts';

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
