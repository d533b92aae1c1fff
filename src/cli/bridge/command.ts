import { type Command, parse, seconds, UsageError } from '../command.ts';
import { shownUrl } from '../endpoint-url.ts';
import { type SingleServer, singleServer, singleServerOptions } from '../single-server.ts';
import { bridgeTo } from './bridge-to.ts';

const usage = `Usage: resilient-mcp bridge <url> [options]

Connects a client that speaks stdio to an MCP server at an http or https address. The client does not notice when the
server restarts or loses the session. Standard output carries MCP messages only; the log goes to standard error.

  --header "<name>: <value>"  Send this header with every request. May be repeated. \${env:NAME} in the value is replaced
                              by that environment variable.
  --sse                       The address is an HTTP+SSE endpoint, the transport before Streamable HTTP.
  --patience <seconds>        How long to retry the first handshake while the server is unavailable. Default 20. An
                              initialize that the server has accepted is awaited for as long as the client waits.
  --grace <seconds>           How long requests in progress may take to finish at the end of the input, or after SIGINT,
                              SIGTERM or SIGHUP. A second signal ends them at once. Default 10.
  --replay <policy>           Which tools to call again when a call may already have run: hints (only those marked
                              read-only or idempotent), always, never. Default hints.
  --max-message <MiB>         The longest message, in either direction. Default 64.
  --verbose                   Log every fact as a line of JSON.
  --help                      Show this help.
  --version                   Show the version.

The bridge cannot sign in. A server that requires authorization needs a token in a header.

Examples:
  resilient-mcp bridge http://localhost:3000/mcp
  resilient-mcp bridge https://mcp.example/mcp --header "Authorization: Bearer \${env:TOKEN}"
`;

interface BridgeCommand {
  readonly server: SingleServer;
  readonly patienceMs: number;
  readonly graceMs: number;
  readonly verbose: boolean;
}

export const bridge: Command = {
  summary: 'connect a client on stdio to a server on HTTP',
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
