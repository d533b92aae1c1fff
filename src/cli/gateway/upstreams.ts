import type { JournalEntry } from '../../client/observe/journal.ts';
import { identityOf } from '../../config/config-identity.ts';
import type { ServerConfig } from '../../config/server-config.ts';
import type { GatewayOptions, GatewayUpstream, UpstreamConnection } from '../../hub/gateway/index.ts';
import type { OpenTransport } from '../../hub/open/open-transport.ts';
import { connectionsTo, type SingleServer } from '../single-server.ts';

/** Receives the facts of every connection, and the name of its server where there are several. */
export type NoteFact = (entry: JournalEntry, server?: string) => void;

/** The one server that a command line names. */
export async function singleUpstream(server: SingleServer, note: NoteFact): Promise<GatewayUpstream> {
  const connect = await connectionsTo(server);
  return { open: (how) => noted(connect(how), (entry) => note(entry)) };
}

/** The servers of a file, each by its name. */
export function upstreamsOf(
  servers: readonly ServerConfig[],
  open: OpenTransport,
  note: NoteFact,
): GatewayOptions['upstreams'] {
  const upstreams = servers.map((config): [string, GatewayUpstream] => [
    config.name,
    {
      shared: config.shared,
      identity: identityOf(config),
      open: (how) => noted(open(config, how), (entry) => note(entry, config.name)),
    },
  ]);
  return Object.fromEntries(upstreams);
}

function noted<Connection extends UpstreamConnection>(
  connection: Connection,
  note: (entry: JournalEntry) => void,
): Connection {
  connection.journal.subscribe(note);
  return connection;
}
