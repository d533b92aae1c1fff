import { resolve } from 'node:path';
import { isUsableToken } from '../../hub/gateway/token.ts';
import { type Command, parse, seconds, UsageError } from '../command.ts';
import { maxMessage, maxMessageOption } from '../max-message.ts';
import { singleServer, singleServerOptions } from '../single-server.ts';
import type { GatewayCommand, Source } from './run.ts';

const TOKEN_VARIABLE = 'RESILIENT_MCP_TOKEN';
const DEFAULT_PORT = '4747';

const usage = `Usage: resilient-mcp gateway --url <url> [options]
       resilient-mcp gateway --config <file> [options]

Serves MCP servers at a local address that stays the same. Clients keep their session there when a server restarts or
loses its own. Listens on 127.0.0.1 only.

  --url <url>                 Serve one server, at /mcp.
  --config <file>             Serve the servers of a file with "servers" or "mcpServers", the format of MCP clients: http,
                              sse, stdio. Each is at /<name>/mcp. When the file changes, only the entries that changed
                              are restarted.
  --port <n>                  The port; 0 picks a free one. Default ${DEFAULT_PORT}.
  --token <token>             The token that clients send as "Authorization: Bearer <token>". Default: the variable
                              ${TOKEN_VARIABLE}, or a new one at each start, which is printed.
  --no-token                  Accept every program on this machine, of every user.
  --header "<name>: <value>"  With --url: send this header with every request to the server. May be repeated. \${env:NAME}
                              in the value is replaced by that environment variable.
  --replay <policy>           With --url: which tools to call again when a call may already have run: hints (only those
                              marked read-only or idempotent), always, never. Default hints.
  --sse                       With --url: the address is an HTTP+SSE endpoint, the transport before Streamable HTTP.
  --key-file <file>           The file of the key that signs session ids; created if missing. With the same key, a
                              restarted gateway continues the sessions. Default: the variable
                              RESILIENT_MCP_SESSION_KEY, or a file of this user.
  --grace <seconds>           How long calls in progress may take to finish after SIGINT, SIGTERM or SIGHUP. A second
                              signal ends them at once. Default 10.
  --max-message <MiB>         The longest message of a server, and of a client if given (otherwise 4). Default 64.
  --verbose                   Log every fact as a line of JSON on standard error.
  --help                      Show this help.
  --version                   Show the version.

Examples:
  resilient-mcp gateway --url http://localhost:3000/mcp
  resilient-mcp gateway --config .mcp.json --port 4800
`;

export const gateway: Command = {
  summary: 'serve MCP servers at a local address that outlives their restarts',
  usage,
  run: async (args) => {
    const options = optionsOf(args);
    // Loads the SDK, so only after the arguments were checked.
    const { run } = await import('./run.ts');
    await run(options);
  },
};

function optionsOf(args: readonly string[]): GatewayCommand {
  const { values, positionals } = parse(args, {
    url: { type: 'string' },
    config: { type: 'string' },
    port: { type: 'string', default: DEFAULT_PORT },
    token: { type: 'string' },
    'no-token': { type: 'boolean', default: false },
    ...singleServerOptions,
    'max-message': { type: 'string' },
    'key-file': { type: 'string' },
    grace: { type: 'string', default: '10' },
    verbose: { type: 'boolean', default: false },
  });
  if (positionals.length > 0)
    throw new UsageError(
      `gateway takes no arguments. Use --url for an address, or remove ${positionals.join(' ')}.`,
    );
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port > 65_535) {
    throw new UsageError(`--port must be a number from 0 to 65535, not ${values.port}.`);
  }
  const given = values['max-message'];
  return {
    source: sourceOf({ ...values, 'max-message': given ?? maxMessageOption['max-message'].default }),
    maxRequestBytes: given === undefined ? undefined : maxMessage(given),
    port,
    token: tokenOf(values.token, values['no-token']),
    keyFile: values['key-file'],
    graceMs: seconds('grace', values.grace),
    verbose: values.verbose,
  };
}

interface SourceOptions {
  readonly url?: string | undefined;
  readonly config?: string | undefined;
  readonly header: readonly string[];
  readonly replay?: string | undefined;
  readonly sse: boolean;
  readonly 'max-message': string;
}

function sourceOf({ url, config, ...words }: SourceOptions): Source {
  if ((url === undefined) === (config === undefined)) {
    throw new UsageError('gateway needs either --url or --config.');
  }
  if (url !== undefined) return { server: singleServer(url, words) };
  if (words.header.length > 0 || words.replay !== undefined || words.sse) {
    throw new UsageError('--header, --replay and --sse require --url. With --config, set them in the file.');
  }
  return { file: resolve(config ?? ''), maxMessageBytes: maxMessage(words['max-message']) };
}

function tokenOf(given: string | undefined, isUnwanted: boolean): string | false | undefined {
  if (given !== undefined && isUnwanted) throw new UsageError('--token and --no-token cannot be combined.');
  if (isUnwanted) return false;
  const token = given ?? (process.env[TOKEN_VARIABLE] || undefined);
  if (token === undefined || isUsableToken(token)) return token;
  throw new UsageError(
    `--token and ${TOKEN_VARIABLE} may contain letters, digits and -._~+/, and "=" at the end.`,
  );
}
