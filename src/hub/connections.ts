import type { HealingTransport } from '../client/healing-transport.ts';
import type { JournalEntry } from '../client/observe/journal.ts';
import type { ConnectionSnapshot } from '../client/observe/snapshot.ts';
import { isResilientMcpError } from '../protocol/errors.ts';
import type { ClientSnapshot } from './snapshot.ts';

export interface ConnectionsEvents {
  /** Something that {@link Connections.snapshots} shows has changed. */
  readonly onChange: () => void;
  readonly onEntry: (client: number, entry: JournalEntry) => void;
}

/** The connections that clients hold to one server, each from its opening until it is closed by who opened it. */
export class Connections {
  readonly #events: ConnectionsEvents;
  readonly #open = new Map<number, HealingTransport>();
  #opened = 0;

  constructor(events: ConnectionsEvents) {
    this.#events = events;
  }

  /** Takes note of a connection that was not started yet. */
  track(transport: HealingTransport): void {
    const client = ++this.#opened;
    this.#open.set(client, transport);
    // Neither subscription is ended: what is told of the end of a connection comes last, and then the journal goes too.
    transport.journal.subscribe((entry) => this.#events.onEntry(client, entry));
    transport.onDidChange(({ status }) => {
      if (status === 'closed') this.#open.delete(client);
      this.#events.onChange();
    });
    this.#events.onChange();
  }

  /** Those of the moment, in the order of their opening. */
  get transports(): readonly HealingTransport[] {
    return [...this.#open.values()];
  }

  /** In the order of their opening. */
  snapshots(): ClientSnapshot[] {
    return [...this.#open].map(([client, transport]) => ({ client, connection: transport.snapshot() }));
  }

  /**
   * Gives each a new session, all at the same time. One that has none yet is left alone: its first will be new.
   * @throws what the first throws that could not have one; attempts go on
   */
  async reset(): Promise<ConnectionSnapshot[]> {
    const held = this.transports.filter((transport) => transport.snapshot().generation > 0);
    const outcomes = await Promise.allSettled(held.map((transport) => transport.resetSession()));
    const failures = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    for (const failure of failures) if (!isGone(failure)) throw failure;
    return outcomes.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  }
}

/** Its client has gone in the meantime, which is no failure of a reset. */
function isGone(error: unknown): boolean {
  return isResilientMcpError(error, 'CONNECTION_CLOSED');
}
