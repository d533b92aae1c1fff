import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../harness/free-port.ts';
import { everythingServer } from '../../harness/programs.ts';
import { type ServerProgram, SupervisedServer } from '../../harness/supervised-server.ts';
import { until } from '../../harness/until.ts';
import type { Handlers } from '../editor-host/calls.ts';
import { managedProgram } from '../server/scenarios/programs.ts';
import { programPath } from '../support/stdio/ledger.ts';
import type { StageCalls } from './stage-calls.ts';

/** How long a line of a server is waited for, in ms. */
const LINE_LIMIT_MS = 60_000;

/** A server with what its present process has written. */
class StagedServer {
  readonly process: SupervisedServer;
  #lines: string[] = [];

  constructor(program: ServerProgram) {
    this.process = new SupervisedServer(program);
    this.process.onLine((line) => this.#lines.push(withoutIds(line)));
  }

  async start(): Promise<void> {
    this.#lines = [];
    await this.process.start();
  }

  async linesMatching(pattern: RegExp, count: number): Promise<string[]> {
    const matching = (): string[] => this.#lines.filter((line) => pattern.test(line));
    if (matching().length < count) {
      await until<string>(
        (listener) => this.process.onLine((line) => listener(withoutIds(line))),
        () => matching().length >= count,
        { what: `line ${count} of the server that matches ${pattern}`, timeoutMs: LINE_LIMIT_MS },
      );
    }
    return matching();
  }
}

/** The real servers of a run. They are processes of their own and end with it. */
export class Stage {
  readonly #servers = new Map<string, StagedServer>();

  readonly handlers: Handlers<StageCalls> = {
    print: async ({ line }) => {
      console.log(line);
      return null;
    },
    startServer: async ({ name }) => this.#start(name, everythingServer(await freePort())),
    startManagedServer: async ({ name, forgetful }) =>
      this.#start(name, managedProgram(await freePort(), { name, adoptSessions: !forgetful })),
    localServer: async () => {
      const ledger = join(await mkdtemp(join(tmpdir(), 'local-')), 'ledger.txt');
      const entry = { command: process.execPath, args: [programPath], env: { LEDGER: ledger } };
      return { entry, ledger };
    },
    ledgerLines: async ({ ledger }) =>
      existsSync(ledger) ? readFileSync(ledger, 'utf8').split('\n').filter(Boolean) : [],
    killServer: async ({ name }) => this.#server(name).process.kill().then(nothing),
    startServerAgain: async ({ name }) => {
      const server = this.#server(name);
      await server.start();
      return { pid: server.process.pid ?? 0 };
    },
    serverLines: ({ name, matching, count }) => this.#server(name).linesMatching(new RegExp(matching), count),
    deadUrl: async () => `http://127.0.0.1:${await freePort()}/mcp`,
  };

  async close(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.process.stop()));
  }

  async #start(name: string, program: ServerProgram): Promise<{ url: string }> {
    const server = new StagedServer(program);
    this.#servers.set(name, server);
    await server.start();
    return { url: server.process.url };
  }

  #server(name: string): StagedServer {
    const server = this.#servers.get(name);
    if (server === undefined) throw new Error(`No server ${name} was started`);
    return server;
  }
}

/** A whole session id is a credential, and these lines end up in the output of a failed run. */
function withoutIds(line: string): string {
  return line.replace(/\b([0-9a-f]{8})-[0-9a-f-]{27}\b/g, '$1…');
}

/** JSON has no undefined. */
const nothing = (): null => null;
