import { readFile, stat } from 'node:fs/promises';
import { systemEnvironment } from '../../src/base/environment.ts';
import { printableJson } from '../../src/base/printable.ts';
import { Failed, parse, UsageError } from '../../src/cli/command.ts';
import { runProgram } from '../../src/cli/program.ts';
import { stopSignal } from '../../src/cli/stop-signal.ts';
import { describeError } from '../../src/protocol/errors.ts';
import { type RecordedConnection, type Recording, readRecording } from './read-recording.ts';
import { ReplayServer } from './replay-server.ts';
import { screenplayOf } from './screenplay.ts';

/** Limit of the file, in bytes. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

const usage = `Usage: npm run replay -- <file> [options]

Serves a journal that "MCP: Export Session Journal" has written as an MCP server on 127.0.0.1: its sessions are lost at the
same points and in the same words, connections break, it is away, as it was then. Results were not recorded; calls are
answered with a text of its own. It is played once, for one client; start it again for another time.

  --port <number>     Where to listen. Default: a port that is free; the address is printed.
  --server <name>     Which server of the file. Default: the only one.
  --client <number>   Which client's connection to it. Default: the product's own, else the one with the most facts.
  --speed <factor>    How much faster than it was: latencies, pauses and absences are divided by it. Default 1.
  --pace <by>         When what went wrong goes wrong again: calls (after as many answered calls; default) or time (as
                      long after the opening of the session, whatever is called).
  --help              This text.

Ends at SIGINT, SIGTERM or SIGHUP. Exit codes: 0 ended by one of these, 1 the file or the port cannot be used, 2 the
usage is invalid.
`;

interface ReplayCommand {
  readonly file: string;
  readonly port: number;
  readonly server: string | undefined;
  readonly client: number | undefined;
  readonly speed: number;
  readonly pace: 'calls' | 'time';
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) return console.log(usage);
  await run(optionsOf(args));
}

function optionsOf(args: readonly string[]): ReplayCommand {
  const { values, positionals } = parse(args, {
    port: { type: 'string', default: '0' },
    server: { type: 'string' },
    client: { type: 'string' },
    speed: { type: 'string', default: '1' },
    pace: { type: 'string', default: 'calls' },
  });
  const [file, ...more] = positionals;
  if (file === undefined) throw new UsageError('replay needs the path of a file.');
  if (more.length > 0) throw new UsageError(`replay takes one file. Remove ${more.join(' ')}.`);
  const { pace } = values;
  if (pace !== 'calls' && pace !== 'time') throw new UsageError(`--pace must be calls or time, not ${pace}.`);
  const port = numberIn('port', values.port, /^\d{1,5}$/);
  if (port > 65_535) throw new UsageError(`--port must be a number from 0 to 65535, not ${port}.`);
  const speed = numberIn('speed', values.speed, /^\d{1,4}(\.\d+)?$/);
  if (speed === 0) throw new UsageError('--speed must be more than 0.');
  const client = values.client === undefined ? undefined : numberIn('client', values.client, /^\d{1,6}$/);
  return { file, port, server: values.server, client, speed, pace };
}

function numberIn(option: string, text: string, form: RegExp): number {
  if (!form.test(text)) throw new UsageError(`--${option} must be a number, not ${text}.`);
  return Number(text);
}

async function run({ file, port, server, client, speed, pace }: ReplayCommand): Promise<void> {
  const connection = chosen(readRecording(await textOf(file)), server, client);
  const { clock, newId } = systemEnvironment();
  const onAct = (words: string) => console.error(`replay: ${words}`);
  const play = screenplayOf(connection.facts);
  const playing = await ReplayServer.start(play, { port, clock, newId, speed, pace, onAct }).catch(
    (error: unknown) => {
      throw new Failed(`nothing can listen on 127.0.0.1 port ${port}: ${describeError(error)}`);
    },
  );
  const sessions = play.acts.filter(({ kind }) => kind === 'open').length;
  console.error(`replay: ${connection.server}, ${sessions} sessions, ${connection.facts.length} facts`);
  console.log(playing.url);
  await stopSignal();
  await playing.close();
}

async function textOf(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE_BYTES) throw new Failed(`${file} is larger than ${MAX_FILE_BYTES} bytes.`);
    return await readFile(file, 'utf8');
  } catch (error) {
    throw error instanceof Failed ? error : new Failed(`${file} cannot be read: ${describeError(error)}`);
  }
}

/** The connection that is meant, or the one that tells most. */
function chosen(
  { connections }: Recording,
  server: string | undefined,
  client: number | undefined,
): RecordedConnection {
  const names = [...new Set(connections.map((each) => each.server))];
  const known = names.map((name) => printableJson(name)).join(', ');
  if (names.length === 0) throw new Failed('there is nothing in the file that can be played.');
  if (server === undefined && names.length > 1) throw new UsageError(`--server must name one of ${known}.`);
  const name = server ?? names[0];
  const ofServer = connections.filter((each) => each.server === name);
  if (ofServer.length === 0) throw new UsageError(`--server must name one of ${known}, not ${name}.`);
  const asked = ofServer.filter((each) => each.client === client);
  if (client !== undefined && asked.length === 0) {
    const clients = ofServer.flatMap((each) => (each.client === undefined ? [] : [each.client]));
    throw new UsageError(`--client must be one of ${clients.join(', ') || 'none'}, not ${client}.`);
  }
  const [first] = asked.length > 0 ? asked : ofServer.toSorted((a, b) => b.facts.length - a.facts.length);
  if (!first) throw new Failed('there is nothing in the file that can be played.');
  return first;
}

await runProgram(main, 'replay', 'npm run replay -- --help');
