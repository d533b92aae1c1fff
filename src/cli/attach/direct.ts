import type { StdioServerConfig } from '../../config/server-config.ts';
import { nameFault } from '../../config/server-name.ts';
import { editorVariables } from '../../processes/program.ts';
import { Failed, parse, seconds, UsageError } from '../command.ts';
import { limitsFor, maxMessage } from '../max-message.ts';
import { replayPolicy, singleServer, singleServerOptions } from '../single-server.ts';

const options = {
  ...singleServerOptions,
  name: { type: 'string' },
  'header-env': { type: 'string', multiple: true, default: [] as string[] },
  'url-env': { type: 'string' },
  patience: { type: 'string', default: '20' },
  grace: { type: 'string', default: '10' },
  verbose: { type: 'boolean', default: false },
} as const;

type Values = ReturnType<typeof parse<typeof options>>['values'];

/**
 * `attach --name <name> -- <command>` and `attach --name <name> <url>`: this program holds the connection itself.
 * @throws UsageError, Failed
 */
export async function attachToServer(args: readonly string[]): Promise<void> {
  const end = args.indexOf('--');
  const { values, positionals } = parse(end < 0 ? args : args.slice(0, end), options);
  const how = {
    who: `attach: ${nameOf(values.name)}`,
    patienceMs: seconds('patience', values.patience),
    graceMs: seconds('grace', values.grace),
    verbose: values.verbose,
  };
  if (end < 0) return toAddress(addressOf(positionals, values['url-env']), values, how);
  const [before] = [...positionals, ...onlyForAddresses(values)];
  if (before !== undefined) {
    throw new UsageError(`attach takes an address or, after --, a command, not both. Remove ${before}.`);
  }
  return toProgram(args.slice(end + 1), values, how);
}

interface How {
  readonly who: string;
  readonly patienceMs: number;
  readonly graceMs: number;
  readonly verbose: boolean;
}

async function toAddress(address: string, values: Values, how: How): Promise<void> {
  const header = [...values.header, ...values['header-env'].map(headerFromVariable)];
  const server = singleServer(address, { ...values, header });
  const { bridgeTo } = await import('../bridge/bridge-to.ts');
  sayAlone(how);
  await bridgeTo(server, how);
}

async function toProgram(words: readonly string[], values: Values, how: How): Promise<void> {
  const server = programOf(words, values);
  const maxMessageBytes = maxMessage(values['max-message']);
  const [{ openStdio }, { serveStdio }] = await Promise.all([
    import('../../hub/open/open-program.ts'),
    import('../bridge/serve-stdio.ts'),
  ]);
  const healing = {
    connectPatienceMs: how.patienceMs,
    replay: server.replay,
    limits: limitsFor(maxMessageBytes),
  };
  sayAlone(how);
  await serveStdio({
    ...how,
    open: (note) => {
      const connection = openStdio(server, { cwd: process.cwd(), env: process.env }, undefined, healing);
      connection.journal.subscribe((entry) => note(entry));
      return connection;
    },
    maxMessageBytes,
  });
}

/** The program, in the folder and with the variables that this one was given. */
function programOf([command, ...args]: readonly string[], values: Values): StdioServerConfig {
  if (command === undefined || command.trim() === '') {
    throw new UsageError('no command after --. Give the command that starts the server.');
  }
  return {
    type: 'stdio',
    name: nameOf(values.name),
    command,
    args,
    // They were meant for the server: it is what the client has configured.
    env: editorVariables(process.env),
    cwd: undefined,
    shared: false,
    replay: { default: replayPolicy(values.replay), tools: {} },
  };
}

function nameOf(name: string | undefined): string {
  if (name === undefined) throw new UsageError('attach needs --name and a name for the server.');
  const fault = nameFault(name);
  if (fault !== undefined) throw new UsageError(`--name: the server ${fault}`);
  return name;
}

function addressOf([address, ...more]: readonly string[], variable: string | undefined): string {
  if (variable !== undefined) {
    if (address !== undefined)
      throw new UsageError(`attach takes one address, and --url-env names one. Remove ${address}.`);
    return variableValue('url-env', variable);
  }
  if (address === undefined) {
    throw new UsageError('attach needs the address of a server or, after --, the command that starts it.');
  }
  const [second] = more;
  if (!/^https?:/i.test(address)) {
    throw new UsageError(
      `"${address.slice(0, 100)}" is not an http:// or https:// address. Put -- before a command.`,
    );
  }
  if (second !== undefined) throw new UsageError(`attach takes one address. Remove ${more.join(' ')}.`);
  return address;
}

function onlyForAddresses(values: Values): string[] {
  const { sse, header } = values;
  return [
    ...(values['url-env'] === undefined ? [] : ['--url-env']),
    ...(header.length > 0 ? ['--header'] : []),
    ...(values['header-env'].length > 0 ? ['--header-env'] : []),
    ...(sse ? ['--sse'] : []),
  ];
}

/** As `--header` takes it: the value stays out of the list of processes, and out of what refuses it. */
function headerFromVariable(text: string): string {
  const [, name, variable] = /^([^=:\s]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || variable === undefined) {
    throw new UsageError(
      '--header-env needs the name of a header and of a variable, as Authorization=NOTES_AUTH.',
    );
  }
  variableValue('header-env', variable);
  return `${name}: \${env:${variable}}`;
}

function variableValue(option: string, variable: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable)) {
    throw new UsageError(
      `--${option} needs the name of an environment variable, not ${variable.slice(0, 100)}.`,
    );
  }
  const value = process.env[variable];
  if (value === undefined) throw new Failed(`--${option}: there is no variable "${variable}".`);
  return value;
}

/** There is nothing yet that could hold the connection for several clients. */
function sayAlone({ who, verbose }: How): void {
  if (verbose) return;
  console.error(`resilient-mcp ${who}: no hub is running, so this program holds the connection itself`);
}
