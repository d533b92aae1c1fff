import type { ReplayPolicy } from '../protocol/replay.ts';
import { systemClock } from '../session/environment.ts';
import { AdvisedTransport } from './advised-transport.ts';
import { bridgeStreams } from './bridge/bridge-streams.ts';
import { type Command, parse, replayPolicy, seconds, UsageError } from './command.ts';
import { endpointUrl, shownUrl } from './endpoint-url.ts';
import { inWords, structured } from './fact-log.ts';
import { headerFields } from './header-fields.ts';
import { stopSignal } from './stop-signal.ts';

const usage = `Usage: resilient-mcp bridge <url> [options]

Lets a client that speaks stdio use the MCP server at an http or https address (Streamable HTTP). When the server restarts
or loses the session, the client does not notice. Standard output carries the protocol alone; the log goes to standard
error.

  --header "<name>: <value>"  Sent with every request to the server; may be repeated. \${env:NAME} in the value is replaced
                              by that environment variable.
  --patience <seconds>        How long the first handshake waits for a server that is not there. Default 20.
  --grace <seconds>           How long requests under way may take to end when the input has ended, or at SIGINT, SIGTERM
                              or SIGHUP; a second one of these ends them at once. Default 10.
  --replay <policy>           Whether a tool is called again when its call may already have run: hints (only one that
                              calls itself read-only or idempotent), always, never. Default hints.
  --verbose                   Log every fact, each as a line of JSON.
  --help                      This text.
  --version                   The version.

A server that wants authorization needs a header with a token: nobody can sign in here.
`;

interface BridgeCommand {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly patienceMs: number;
  readonly graceMs: number;
  readonly replay: ReplayPolicy;
  readonly verbose: boolean;
}

export const bridge: Command = {
  summary: 'let a client that speaks stdio use a server that speaks HTTP',
  usage,
  run: async (args) => run(optionsOf(args)),
};

function optionsOf(args: readonly string[]): BridgeCommand {
  const { values, positionals } = parse(args, {
    header: { type: 'string', multiple: true, default: [] },
    patience: { type: 'string', default: '20' },
    grace: { type: 'string', default: '10' },
    replay: { type: 'string', default: 'hints' },
    verbose: { type: 'boolean', default: false },
  });
  const [address, ...more] = positionals;
  if (address === undefined) throw new UsageError('bridge needs the address of a server.');
  if (more.length > 0) throw new UsageError(`bridge takes one address; ${more.join(' ')} is too much.`);
  return {
    url: endpointUrl(address),
    headers: headerFields(values.header, process.env),
    patienceMs: seconds('patience', values.patience),
    graceMs: seconds('grace', values.grace),
    replay: replayPolicy(values.replay),
    verbose: values.verbose,
  };
}

async function run(options: BridgeCommand): Promise<void> {
  // A client that does not read the log must not end the program by that.
  process.stderr.on('error', () => {});
  await bridgeStreams({
    input: process.stdin,
    output: process.stdout,
    open: () => connection(options),
    stop: stopSignal,
    graceMs: options.graceMs,
    clock: systemClock,
  });
}

function connection({ url, headers, patienceMs, replay, verbose }: BridgeCommand): AdvisedTransport {
  const transport = new AdvisedTransport(url, {
    requestInit: { headers },
    connectPatienceMs: patienceMs,
    replay: { default: replay },
  });
  const note = verbose ? structured(console.error) : inWords((words) => say(url, words));
  transport.journal.subscribe((entry) => note(entry));
  return transport;
}

function say(url: URL, words: string): void {
  console.error(`resilient-mcp bridge: ${shownUrl(url)}: ${words}`);
}
