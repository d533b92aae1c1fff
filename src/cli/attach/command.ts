import { basename } from 'node:path';
import { systemClock } from '../../base/environment.ts';
import { ResilientTransport } from '../../client/resilient-transport.ts';
import { NodeClient } from '../../client/wire/http/node/node-client.ts';
import { bridgeStreams } from '../bridge/bridge-streams.ts';
import { type Command, parse, seconds, UsageError } from '../command.ts';
import { inWords, structured } from '../fact-log.ts';
import { stopSignal } from '../stop-signal.ts';
import { Attachment } from './attachment.ts';
import { LastCopy } from './last-copy.ts';
import { WindowGateway } from './window-gateway.ts';

const usage = `Usage: resilient-mcp attach <window> <server> [options]

Lets a client that speaks stdio use a server of an editor window, by the gateway of that window. This is what the editor
extension writes into the definitions that it gives to the editor. When the window is reloaded, or the server restarts,
the client does not notice. While the window is closed, the handshake and lists are answered from their last copy.

  <window>                    The file by which the window's gateway is found, without its ending.
  <server>                    The name of the server in the addresses of that gateway.
  --patience <seconds>        How long the first handshake waits for a window that is not there. Default 20.
  --wait <seconds>            How long every other request waits for it. Default 30.
  --grace <seconds>           How long requests under way may take to end when the input has ended, or at SIGINT, SIGTERM
                              or SIGHUP; a second one of these ends them at once. Default 10.
  --verbose                   Log every fact, each as a line of JSON.
  --help                      This text.
  --version                   The version.
`;

/** How often a window that was given up is looked for, in ms: that costs no more than a look at a file. */
const PROBE_MS = 2000;

interface AttachCommand {
  readonly stem: string;
  readonly server: string;
  readonly connectPatienceMs: number;
  readonly patienceMs: number;
  readonly graceMs: number;
  readonly verbose: boolean;
}

export const attach: Command = {
  summary: 'let a client that speaks stdio use a server of an editor window',
  usage,
  run: async (args) => run(optionsOf(args)),
};

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
  // A client that does not read the log must not end the program by that.
  process.stderr.on('error', () => {});
  const http = new NodeClient(nowhereElse, systemClock, (port) => window.connect(port));
  const window: WindowGateway = new WindowGateway({ stem, send: http.send, parent: process.ppid });
  const copy = new LastCopy(`${stem}.${encodeURIComponent(server)}.lists`);
  const log = verbose ? structured(console.error) : inWords((words) => say(server, words));
  // The port is put in for each request.
  const url = `http://127.0.0.1/${encodeURIComponent(server)}/mcp`;
  const environment = { http: window.send, knock: async () => window.presence === 'there' };
  await bridgeStreams({
    input: process.stdin,
    output: process.stdout,
    open: () =>
      new Attachment({
        window,
        copy,
        connectPatienceMs: patience.connectPatienceMs,
        connect: (how) => {
          const recovery = { probeIntervalMs: PROBE_MS };
          const connection = new ResilientTransport(url, { ...patience, ...how, environment, recovery });
          connection.journal.subscribe((entry) => log(entry));
          return connection;
        },
      }),
    stop: stopSignal,
    graceMs,
    clock: systemClock,
  });
  await http.close();
}

/** Where there is no `node:http` there is no proof of whom a token would go to. */
async function nowhereElse(): Promise<never> {
  throw new Error('This platform has no node:http.');
}

function say(server: string, words: string): void {
  console.error(`resilient-mcp attach: ${basename(server)}: ${words}`);
}
