import { freePort } from '../../../harness/free-port.ts';
import { type ServerProgram, SupervisedServer, scriptPath } from '../../../harness/supervised-server.ts';
import { until } from '../../../harness/until.ts';
import type { ProgramOptions } from './program-options.ts';

/** Signs the ids of every program here: what one has issued, the next one knows. */
const key = 'the key of the scenarios, of 32 characters or more';

/** The server program, and how it is run. */
export function managedProgram(port: number, options: ProgramOptions = {}): ServerProgram {
  return {
    name: 'the server',
    script: scriptPath('./server-program.ts', import.meta.url),
    args: [String(port), JSON.stringify({ key, ...options })],
    port,
    listening: /^listening on/,
  };
}

/** A server program as a process, on a free port. */
export async function startProgram(options: ProgramOptions = {}, port?: number): Promise<SupervisedServer> {
  return SupervisedServer.start(managedProgram(port ?? (await freePort()), options));
}

/** Waits for a line that the server writes from now on. */
export function lineOf(server: SupervisedServer, line: RegExp): Promise<string> {
  return until<string>(
    (listener) => server.onLine(listener),
    (text) => line.test(text),
    { what: String(line) },
  );
}

/** How many sessions it has opened for that reason, over all its processes whose lines are kept. */
export function opened(server: SupervisedServer, reason: string): number {
  const isOpening = (line: string) =>
    line.includes('"sessionOpened"') && line.includes(`"reason":"${reason}"`);
  return server.output.filter(isOpening).length;
}
