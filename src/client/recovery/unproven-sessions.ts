import type { Session } from '../session/session.ts';

/**
 * Counts sessions that were lost in a row without having answered a request. A server that loses so many does not keep
 * its sessions, and another one would be refused as well.
 */
export class UnprovenSessions {
  readonly #max: number;
  #count = 0;
  #lastLost: Session | undefined;
  #lastWords = '';

  /** @param max losses in a row after which no further session is tried at once */
  constructor(max: number) {
    this.#max = max;
  }

  /** A session was lost. The loss of one that was disturbed by an outage is a restart's, and does not count. */
  noteLoss(session: Session, reason: string): void {
    if (this.#lastLost === session) return;
    this.#lastLost = session;
    this.#lastWords = reason;
    if (session.proven) this.#count = 0;
    else if (!session.disturbed) this.#count++;
  }

  /** A session was refused before it was in place. */
  noteRefusal(): void {
    this.#count++;
  }

  /** A request was answered. */
  reset(): void {
    this.#count = 0;
  }

  get isHopeless(): boolean {
    return this.#count >= this.#max;
  }

  /** Why no further session is tried at once. */
  get reason(): string {
    return (
      `${this.#count} new sessions in a row were refused at once; the server does not keep its sessions ` +
      `(several replicas without session affinity?). It said: ${this.#lastWords}`
    );
  }
}
