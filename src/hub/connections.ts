import type { HealingTransport } from '../client/healing-transport.ts';
import type { JournalEntry } from '../client/observe/journal.ts';
import type { ConnectionSnapshot } from '../client/observe/snapshot.ts';
import { isResilientMcpError } from '../protocol/errors.ts';
import type { ClientSnapshot } from './snapshot.ts';

export interface ConnectionsEvents {
  /** Called when {@link Connections.snapshots} has changed. */
  readonly onChange: () => void;
  readonly onEntry: (client: number, entry: JournalEntry) => void;
}

/** Client connections to one server, each from its opening until its owner closes it. */
export class Connections {
  readonly #events: ConnectionsEvents;
  readonly #open = new Map<number, HealingTransport>();
  #opened = 0;

  constructor(events: ConnectionsEvents) {
    this.#events = events;
  }

  /** Tracks a connection that is not started yet. */
  track(transport: HealingTransport): void {
    const client = ++this.#opened;
    this.#open.set(client, transport);
    // The subscriptions need no end: the closing facts come last, and the journal goes with the connection.
    transport.journal.subscribe((entry) => this.#events.onEntry(client, entry));
    transport.onDidChange(({ status }) => {
      if (status === 'closed') this.#open.delete(client);
      this.#events.onChange();
    });
    this.#events.onChange();
  }

  /** Current connections, in the order of opening. */
  get transports(): readonly HealingTransport[] {
    return [...this.#open.values()];
  }

  /** In the order of opening. */
  snapshots(): ClientSnapshot[] {
    return [...this.#open].map(([client, transport]) => ({ client, connection: transport.snapshot() }));
  }

  /**
   * Opens a new session on every connection at the same time. A connection without a session is skipped: its
   * first is new anyway.
   * @throws the first failure; attempts continue
   */
  async reset(): Promise<ConnectionSnapshot[]> {
    const held = this.transports.filter((transport) => transport.snapshot().generation > 0);
    const outcomes = await Promise.allSettled(held.map((transport) => transport.resetSession()));
    const failures = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    for (const failure of failures) if (!isGone(failure)) throw failure;
    return outcomes.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  }
}

/** The client left in the meantime. That is no failure of a reset. */
function isGone(error: unknown): boolean {
  return isResilientMcpError(error, 'CONNECTION_CLOSED');
}
