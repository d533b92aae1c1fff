import { createHmac } from 'node:crypto';
import { systemClock } from '../../base/environment.ts';
import { printableJson } from '../../base/printable.ts';
import { HubGateway } from '../../hub/gateway/gateway.ts';
import type { GatewayRecord } from '../../hub/gateway/options.ts';
import { definitionOf } from '../../hub/gateway/upstream.ts';
import { Hub } from '../../hub/hub.ts';
import type { ServerDefinition } from '../../hub/server-definition.ts';
import { isResilientMcpError } from '../../protocol/errors.ts';
import { sessionKeys } from '../../server/ids/session-key.ts';
import { Failed } from '../command.ts';
import { inWords, line, structured } from '../fact-log.ts';
import { limitsFor } from '../max-message.ts';
import { connectionsTo, type SingleServer } from '../single-server.ts';
import { stopSignal } from '../stop-signal.ts';
import { ServedFile } from './served-file.ts';

/** The name of the server of --url; clients find it at /mcp. */
const SINGLE = 'server';

/** Where the servers are defined: in a file, or on the command line. */
export type Source =
  | { readonly file: string; readonly maxMessageBytes: number }
  | { readonly server: SingleServer };

/** The options of `resilient-mcp gateway`. */
export interface GatewayCommand {
  readonly source: Source;
  readonly port: number;
  /** Undefined: generate one. False: require none. */
  readonly token: string | false | undefined;
  readonly keyFile: string | undefined;
  /** The longest message of a client, in bytes. Undefined: the gateway's default. */
  readonly maxRequestBytes: number | undefined;
  readonly graceMs: number;
  readonly verbose: boolean;
}

/** Serves until a signal ends it. @throws Failed */
export async function run(options: GatewayCommand): Promise<void> {
  const { source, port, token, graceMs, maxRequestBytes } = options;
  // A closed pipe must not end the gateway.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const note = options.verbose ? structured(console.error) : inWords((words) => say(words, true));
  const hub = new Hub({ clock: systemClock });
  const { servers, file } = await servingOf(source);
  hub.onFact(({ server, at, fact }) => note({ ...fact, at }, file && server));
  const gateway = new HubGateway(hub, {
    ...(!file && { root: SINGLE }),
    port,
    sessionKey: signingKey(options),
    ...(maxRequestBytes !== undefined && { maxBodyBytes: maxRequestBytes }),
    ...(token === false ? { withoutToken: true } : token !== undefined && { token }),
    log: (record) => sayRecord(record, options.verbose),
  });
  hub.apply(servers);
  const stopping = stopSignal();
  try {
    await start(gateway, options);
    for (const name of gateway.names) say(`${file ? `${name}: ` : ''}${gateway.urlOf(name)}`);
    say(tokenWords(token, gateway));
    file?.watch((changed) => hub.apply(changed));
    await stopping;
    say('stopping');
    await Promise.race([gateway.drain({ timeoutMs: graceMs }), stopSignal()]);
  } finally {
    file?.close();
    await gateway.close();
  }
}

interface Serving {
  readonly servers: readonly ServerDefinition[];
  /** The file that defines them, if any. */
  readonly file?: ServedFile;
}

async function servingOf(source: Source): Promise<Serving> {
  if ('server' in source) {
    return { servers: [definitionOf(SINGLE, { open: await connectionsTo(source.server) })] };
  }
  const file = new ServedFile(source.file, limitsFor(source.maxMessageBytes), (words) => say(words, true));
  return { servers: file.servers(), file };
}

/** Derived from the port too, so that two gateways of one user do not accept each other's sessions. */
function signingKey({ keyFile, port }: GatewayCommand): string {
  const { keys, transientBecause } = sessionKeys(keyFile === undefined ? {} : { keyFile });
  if (transientBecause !== undefined) say(`sessions end with this program: ${transientBecause}`, true);
  const [key = ''] = keys;
  return createHmac('sha256', key).update(`resilient-mcp gateway ${port}`).digest('base64url');
}

async function start(gateway: HubGateway, { port, token }: GatewayCommand): Promise<void> {
  try {
    await gateway.start();
  } catch (error) {
    if (!isResilientMcpError(error, 'PORT_TAKEN')) throw error;
    const words = `port ${port} on 127.0.0.1 is in use by another program. Choose another with --port`;
    // Clients that know the port do not verify which program listens there.
    const caught = 'Clients may have sent a permanent token to that program: choose another token too';
    throw new Failed(token ? `${words}. ${caught}.` : `${words}.`);
  }
}

function tokenWords(token: string | false | undefined, gateway: HubGateway): string {
  if (token === false) return 'clients need no token: every program on this machine is accepted';
  return token === undefined
    ? `clients send the header "Authorization: Bearer ${gateway.token}"`
    : 'clients send the given token, as "Authorization: Bearer <token>"';
}

function sayRecord(record: GatewayRecord, isVerbose: boolean): void {
  if (isVerbose) {
    console.error(printableJson({ time: new Date().toISOString(), ...record }));
  } else if (record.level === 'warn' || record.level === 'error') {
    const about = record.server === undefined ? '' : `${record.server}: `;
    say(`${about}${record.event}: ${line(record.reason)}; ${record.action}`, true);
  }
}

function say(line: string, isTrouble = false): void {
  console[isTrouble ? 'error' : 'log'](`resilient-mcp gateway: ${line}`);
}
