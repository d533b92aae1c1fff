import { basename } from 'node:path';
import { systemClock } from '../../base/environment.ts';
import { ResilientTransport } from '../../client/resilient-transport.ts';
import { NodeClient } from '../../client/wire/http/node/node-client.ts';
import { serveStdio } from '../bridge/serve-stdio.ts';
import { parse, seconds, UsageError } from '../command.ts';
import { Attachment } from './attachment.ts';
import { LastCopy } from './last-copy.ts';
import { WindowGateway } from './window-gateway.ts';

/** Interval between checks for a window that is considered closed, in ms. A check only reads a file. */
const PROBE_MS = 2000;

interface AttachCommand {
  readonly stem: string;
  readonly server: string;
  readonly connectPatienceMs: number;
  readonly patienceMs: number;
  readonly graceMs: number;
  readonly verbose: boolean;
}

/** `attach <window> <server>`. @throws UsageError */
export function attachToWindow(args: readonly string[]): Promise<void> {
  return run(optionsOf(args));
}

function optionsOf(args: readonly string[]): AttachCommand {
  const { values, positionals } = parse(args, {
    patience: { type: 'string', default: '20' },
    wait: { type: 'string', default: '30' },
    grace: { type: 'string', default: '10' },
    verbose: { type: 'boolean', default: false },
  });
  const [stem, server, ...more] = positionals;
  if (stem === undefined || server === undefined) throw new UsageError('attach needs a window and a server.');
  if (more.length > 0) throw new UsageError(`attach takes a window and a server. Remove ${more.join(' ')}.`);
  return {
    stem,
    server,
    connectPatienceMs: seconds('patience', values.patience),
    patienceMs: seconds('wait', values.wait),
    graceMs: seconds('grace', values.grace),
    verbose: values.verbose,
  };
}

async function run({ stem, server, graceMs, verbose, ...patience }: AttachCommand): Promise<void> {
  const http = new NodeClient(nowhereElse, systemClock, (port) => window.connect(port));
  const window: WindowGateway = new WindowGateway({ stem, send: http.send, parent: process.ppid });
  const copy = new LastCopy(`${stem}.${encodeURIComponent(server)}.lists`);
  // The port is inserted for each request.
  const url = `http://127.0.0.1/${encodeURIComponent(server)}/mcp`;
  const environment = { http: window.send, knock: async () => window.presence === 'there' };
  await serveStdio({
    who: `attach: ${basename(server)}`,
    open: (note) =>
      new Attachment({
        window,
        copy,
        connectPatienceMs: patience.connectPatienceMs,
        connect: (how) => {
          const recovery = { probeIntervalMs: PROBE_MS };
          const connection = new ResilientTransport(url, { ...patience, ...how, environment, recovery });
          connection.journal.subscribe((entry) => note(entry));
          return connection;
        },
      }),
    graceMs,
    verbose,
  });
  await http.close();
}

/** Without `node:http` the gateway cannot prove itself, so no token may be sent. */
async function nowhereElse(): Promise<never> {
  throw new Error('This platform has no node:http.');
}
