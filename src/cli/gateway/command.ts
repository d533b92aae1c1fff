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

Serves MCP servers at an address of this machine that does not change. Clients keep their session there when a server
restarts or loses its own. Listens on 127.0.0.1 alone.

  --url <url>                 One server. Clients find it at /mcp.
  --config <file>             The servers of a file with "servers" or "mcpServers", as MCP clients have it: http, sse,
                              stdio. Clients find each at /<name>/mcp. When the file changes, what changed in it is
                              served anew, and the rest goes on.
  --port <n>                  Port; 0 for a free one. Default ${DEFAULT_PORT}.
  --token <token>             What clients send as "Authorization: Bearer <token>". Default: the variable
                              ${TOKEN_VARIABLE}, or a new one at each start, which is printed.
  --no-token                  Let every program of this machine in, of every user.
  --header "<name>: <value>"  With --url: sent with every request to the server; may be repeated. \${env:NAME} in the value
                              is replaced by that environment variable.
  --replay <policy>           With --url: whether a tool is called again when its call may already have run: hints (only
                              one that calls itself read-only or idempotent), always, never. Default hints.
  --sse                       With --url: the address is one of the older transport, HTTP+SSE.
  --key-file <file>           File with the key that signs session ids; made when it is not there. By it a gateway that is
                              started again serves the sessions of the one before. Default: the variable
                              RESILIENT_MCP_SESSION_KEY, or a file of this user.
  --grace <seconds>           How long calls under way may take to end at SIGINT, SIGTERM or SIGHUP; a second one of these
                              ends them at once. Default 10.
  --max-message <MiB>         The longest message of a server, and of a client if it is given (else 4). Default 64.
  --verbose                   Log every fact, each as a line of JSON on standard error.
  --help                      This text.
  --version                   The version.
`;

export const gateway: Command = {
  summary: 'serve MCP servers at a local address that outlives their restarts',
  usage,
  run: async (args) => {
    const options = optionsOf(args);
    // After the words were found good: what follows loads the SDK.
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
    throw new UsageError('--header, --replay and --sse go with --url; with --config they stand in the file.');
  }
  return { file: resolve(config ?? ''), maxMessageBytes: maxMessage(words['max-message']) };
}

function tokenOf(given: string | undefined, isUnwanted: boolean): string | false | undefined {
  if (given !== undefined && isUnwanted) throw new UsageError('--token and --no-token exclude each other.');
  if (isUnwanted) return false;
  const token = given ?? (process.env[TOKEN_VARIABLE] || undefined);
  if (token === undefined || isUsableToken(token)) return token;
  throw new UsageError(
    `--token and ${TOKEN_VARIABLE} may hold letters, digits and -._~+/, "=" only at the end.`,
  );
}
