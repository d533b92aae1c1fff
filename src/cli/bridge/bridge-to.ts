import { connectionsTo, type SingleServer } from '../single-server.ts';
import { serveStdio } from './serve-stdio.ts';

export interface BridgeHow {
  /** What each line of the log begins with. */
  readonly who: string;
  /** How long the first handshake waits for a server that is not there, in ms. */
  readonly patienceMs: number;
  readonly graceMs: number;
  readonly verbose: boolean;
}

/** Lets the client at standard input and output use a server at an address. */
export async function bridgeTo(server: SingleServer, { patienceMs, ...how }: BridgeHow): Promise<void> {
  const connect = await connectionsTo(server);
  await serveStdio({
    ...how,
    open: (note) => {
      const connection = connect({ connectPatienceMs: patienceMs });
      connection.journal.subscribe((entry) => note(entry));
      return connection;
    },
    maxMessageBytes: server.maxMessageBytes,
  });
}
