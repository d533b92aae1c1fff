import type { Notification, Request } from '../../protocol/message.ts';

/** Messages that are held at once; beyond that the oldest is dropped. */
const MAX_HELD = 100;

/**
 * What the server says of its own accord while the client has neither a GET stream nor a request open: there is no way
 * to it then, which some clients never open, and most not before a moment has passed. Kept in its order.
 */
export class HeldMessages {
  readonly #held: (Request | Notification)[] = [];

  hold(message: Request | Notification): void {
    // Progress is of a request that is over.
    if (message.method === 'notifications/progress') return;
    this.#held.push(message);
    if (this.#held.length > MAX_HELD) this.#held.shift();
  }

  /** All of them, now that there is a way. */
  release(): (Request | Notification)[] {
    return this.#held.splice(0);
  }
}
