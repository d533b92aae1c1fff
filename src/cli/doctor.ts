import { systemEnvironment } from '../base/environment.ts';
import { printableJson } from '../base/printable.ts';
import { product } from '../base/product.ts';
import type { ServerConfig } from '../config/server-config.ts';
import { countOf } from '../diagnosis/check.ts';
import { nodeNetwork } from '../diagnosis/node/network.ts';
import { planFor } from '../diagnosis/plan.ts';
import { report } from '../diagnosis/report.ts';
import { type Progress, run as runChecks } from '../diagnosis/run.ts';
import { type Command, parse, seconds, UsageError } from './command.ts';
import { endpointUrl, shownUrl } from './endpoint-url.ts';
import { headerFields } from './header-fields.ts';
import { stopSignal } from './stop-signal.ts';

const usage = `Usage: resilient-mcp doctor <url> [options]
       resilient-mcp doctor [options] -- <program> [arguments]

Checks an MCP server layer by layer: name, connection, TLS, HTTP, authorization, handshake, and then what clients depend
on when it restarts: whether it keeps a session, how it answers an unknown session, its streams, its end. No tool is
called. Prints a report in Markdown, without credentials and session ids.

  --header "<name>: <value>"  Send this header with every request. May be repeated. \${env:NAME} in the value is replaced
                              by that environment variable.
  --sse                       The address is an HTTP+SSE endpoint, the transport before Streamable HTTP.
  --json                      Print the report as JSON.
  --timeout <seconds>         How long all checks together may take. Default 60; each check at most 10.
  --help                      Show this help.
  --version                   Show the version.

Exit codes: 0 no problem found, 1 a problem found, 2 invalid usage.

Examples:
  resilient-mcp doctor http://localhost:3000/mcp
  resilient-mcp doctor -- npx -y @modelcontextprotocol/server-everything
`;

interface DoctorCommand {
  readonly config: ServerConfig;
  readonly json: boolean;
  readonly limitMs: number;
}

const EXIT_PROBLEM = 1;

export const doctor: Command = {
  summary: 'check a server, and report what is wrong with it',
  usage,
  run: async (args) => run(optionsOf(args)),
};

function optionsOf(args: readonly string[]): DoctorCommand {
  const end = args.indexOf('--');
  const program = end < 0 ? [] : args.slice(end + 1);
  const { values, positionals } = parse(end < 0 ? args : args.slice(0, end), {
    header: { type: 'string', multiple: true, default: [] },
    sse: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    timeout: { type: 'string', default: '60' },
  });
  const limitMs = seconds('timeout', values.timeout);
  if (limitMs === 0) throw new UsageError('--timeout must be more than 0.');
  const [address, ...more] = positionals;
  if ((address === undefined) === (program.length === 0)) {
    throw new UsageError('doctor needs either the address of a server, or a program after --.');
  }
  if (more.length > 0) throw new UsageError(`doctor takes one server. Remove ${more.join(' ')}.`);
  const common = { replay: { default: 'hints', tools: {} }, shared: false } as const;
  const [command = '', ...rest] = program;
  if (address === undefined) {
    const config = {
      ...common,
      type: 'stdio',
      name: command,
      command,
      args: rest,
      env: {},
      cwd: undefined,
    } as const;
    return { config, json: values.json, limitMs };
  }
  const url = endpointUrl(address);
  const headers = headerFields(values.header, process.env);
  const to = { ...common, name: shownUrl(url), url: url.href, headers };
  const config: ServerConfig = values.sse
    ? { ...to, type: 'sse' }
    : { ...to, type: 'http', endSession: true };
  return { config, json: values.json, limitMs };
}

async function run({ config, json, limitMs }: DoctorCommand): Promise<void> {
  const environment = systemEnvironment();
  const stop = new AbortController();
  void stopSignal().then(() => stop.abort());
  const processes = { cwd: process.cwd(), env: process.env };
  const diagnosis = await runChecks(
    planFor(config, { environment, network: nodeNetwork, processes }, product.version),
    {
      clock: environment.clock,
      product: product.version,
      limitMs,
      signal: stop.signal,
      onProgress: show,
    },
  );
  clear();
  await write(json ? `${printableJson(diagnosis, 2)}\n` : report(diagnosis));
  if (countOf(diagnosis).problem > 0 || stop.signal.aborted) process.exitCode = EXIT_PROBLEM;
}

/** Shows the current check on a terminal. */
function show({ title, number, of }: Progress): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${number}/${of} ${title} …`);
}

function clear(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
}

/** Resolves when standard output has accepted the whole text: the process exits right afterwards. */
function write(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, () => resolve());
  });
}
