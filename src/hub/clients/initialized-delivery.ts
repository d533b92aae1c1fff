import type { Notification } from '../../protocol/message.ts';

/**
 * The client's `notifications/initialized` on its way to the server. The client has been told at once that it was
 * accepted and will not say it again, so it is for the gateway to see that it arrives, and that nothing overtakes it:
 * a server refuses requests that come before it.
 */
export class InitializedDelivery {
  readonly #send: (message: Notification) => Promise<void>;
  /** What the server has not heard yet. */
  #message: Notification | undefined;
  #underWay: Promise<void> | undefined;

  constructor(send: (message: Notification) => Promise<void>) {
    this.#send = send;
  }

  begin(message: Notification): void {
    this.#message = message;
    // Whoever sends something next learns of a failure, and has it tried once more.
    this.done().catch(() => {});
  }

  /** Resolves when the server has heard it, or when there is nothing to be heard yet. Rejects when it was not to be reached. */
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
