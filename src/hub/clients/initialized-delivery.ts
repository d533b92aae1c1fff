import type { Notification } from '../../protocol/message.ts';

/**
 * Delivers the client's `notifications/initialized` to the server. The client got its 202 at once and will
 * not repeat it, so the gateway must deliver it, ahead of everything else: a server refuses requests that
 * arrive before it.
 */
export class InitializedDelivery {
  readonly #send: (message: Notification) => Promise<void>;
  /** Not yet received by the server. */
  #message: Notification | undefined;
  #underWay: Promise<void> | undefined;

  constructor(send: (message: Notification) => Promise<void>) {
    this.#send = send;
  }

  begin(message: Notification): void {
    this.#message = message;
    // The next sender sees the failure and retries.
    this.done().catch(() => {});
  }

  /**
   * Resolves when the server has it, or when there is nothing to deliver. Rejects when the server is
   * unreachable.
   */
  done(): Promise<void> {
    const message = this.#message;
    if (!message) return Promise.resolve();
    this.#underWay ??= this.#send(message)
      .then(() => {
        this.#message = undefined;
      })
      .finally(() => {
        this.#underWay = undefined;
      });
    return this.#underWay;
  }
}
