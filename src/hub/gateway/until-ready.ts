import type { HealingTransport } from '../../client/healing-transport.ts';
import type { ConnectionSnapshot } from '../../client/index.ts';

/** Resolves when a connection holds a session that is proven. */
export function untilReady(connection: Pick<HealingTransport, 'snapshot' | 'onDidChange'>): Promise<void> {
  return new Promise((resolve) => {
    const look = ({ status }: ConnectionSnapshot) => {
      if (status === 'ready' || status === 'closed') watching.dispose();
      if (status === 'ready') resolve();
    };
    const watching = connection.onDidChange(look);
    look(connection.snapshot());
  });
}
