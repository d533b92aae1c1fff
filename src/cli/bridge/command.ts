import { type Command, parse, seconds, UsageError } from '../command.ts';
import { shownUrl } from '../endpoint-url.ts';
import { type SingleServer, singleServer, singleServerOptions } from '../single-server.ts';
import { bridgeTo } from './bridge-to.ts';

const usage = `Usage: resilient-mcp bridge <url> [options]

Lets a client that speaks stdio use the MCP server at an http or https address. When the server restarts or loses the
session, the client does not notice. Standard output carries the protocol alone; the log goes to standard error.

  --header "<name>: <value>"  Sent with every request to the server; may be repeated. \${env:NAME} in the value is replaced
                              by that environment variable.
  --sse                       The address is one of the older transport, HTTP+SSE.
  --patience <seconds>        How long the first handshake waits for a server that is not there. Default 20. One that the
                              server has taken is waited for as long as the client waits.
  --grace <seconds>           How long requests under way may take to end when the input has ended, or at SIGINT, SIGTERM
                              or SIGHUP; a second one of these ends them at once. Default 10.
  --replay <policy>           Whether a tool is called again when its call may already have run: hints (only one that
                              calls itself read-only or idempotent), always, never. Default hints.
  --max-message <MiB>         The longest message, either way. Default 64.
  --verbose                   Log every fact, each as a line of JSON.
  --help                      This text.
  --version                   The version.

A server that wants authorization needs a header with a token: nobody can sign in here.
`;

interface BridgeCommand {
  readonly server: SingleServer;
  readonly patienceMs: number;
  readonly graceMs: number;
  readonly verbose: boolean;
}

export const bridge: Command = {
  summary: 'let a client that speaks stdio use a server that speaks HTTP',
  usage,
  run: async (args) => run(optionsOf(args)),
};

function optionsOf(args: readonly string[]): BridgeCommand {
  const { values, positionals } = parse(args, {
    ...singleServerOptions,
    patience: { type: 'string', default: '20' },
    grace: { type: 'string', default: '10' },
    verbose: { type: 'boolean', default: false },
  });
  const [address, ...more] = positionals;
  if (address === undefined) throw new UsageError('bridge needs the address of a server.');
  if (more.length > 0) throw new UsageError(`bridge takes one address. Remove ${more.join(' ')}.`);
  return {
    server: singleServer(address, values),
    patienceMs: seconds('patience', values.patience),
    graceMs: seconds('grace', values.grace),
    verbose: values.verbose,
  };
}

function run({ server, ...how }: BridgeCommand): Promise<void> {
  return bridgeTo(server, { who: `bridge: ${shownUrl(server.url)}`, ...how });
}
