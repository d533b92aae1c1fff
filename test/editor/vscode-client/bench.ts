import type { Handlers } from '../../editor-host/calls.ts';
import type { EditorFacts, MeasureCalls, Measurement } from './measure-calls.ts';
import { MeasuredServer } from './measured-server.ts';
import { type ClientId, clients, type RowId, rows, type ServerKey } from './rows.ts';

/** All servers of a measurement, and what came of it. */
export class Bench {
  readonly #servers = new Map<string, MeasuredServer>();
  readonly #measured = new Map<string, Measurement>();
  readonly #failures = new Map<string, string>();
  /** What was measured in; undefined before the suite began. */
  editor: EditorFacts | undefined;

  static async start(): Promise<Bench> {
    const bench = new Bench();
    for (const key of allKeys()) bench.#servers.set(nameOf(key), await MeasuredServer.start(key));
    return bench;
  }

  readonly handlers: Handlers<MeasureCalls> = {
    print: async ({ line }) => done(console.log(line)),
    connected: async (key) => done(await this.#server(key).connected()),
    begin: async (key) => done(this.#server(key).begin()),
    spoil: async ({ fault, ...key }) => done(await this.#server(key).spoil(fault)),
    faultOver: async (key) => done(await this.#server(key).faultOver()),
    callHeld: async (key) => done(await this.#server(key).callHeld()),
    sessionAgain: ({ withinMs, ...key }) => this.#server(key).sessionAgain(withinMs),
    streamAgain: ({ withinMs, ...key }) => this.#server(key).streamAgain(withinMs),
    notify: ({ withinMs, ...key }) => this.#server(key).notify(withinMs),
    tally: async ({ keys, ...key }) => this.#server(key).tally(keys),
    editor: async (facts) => {
      this.editor = facts;
      return null;
    },
    measured: async (measurement) => done(this.#measured.set(nameOf(measurement), measurement)),
    failed: async ({ why, ...key }) => done(this.#failures.set(nameOf(key), why)),
  };

  /** The address of each row's server, for one client. */
  urls(client: ClientId): ReadonlyMap<RowId, string> {
    return new Map(rows.map(({ id }) => [id, this.#server({ row: id, client }).url]));
  }

  measurement(key: ServerKey): Measurement | undefined {
    return this.#measured.get(nameOf(key));
  }

  /** The rows that were not measured, with the reason as far as it is known. */
  get missing(): string[] {
    const left = allKeys().filter((key) => !this.#measured.has(nameOf(key)));
    return left.map((key) => `${nameOf(key)}: ${this.#failures.get(nameOf(key)) ?? 'it was not reached'}`);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.close()));
  }

  #server(key: ServerKey): MeasuredServer {
    const server = this.#servers.get(nameOf(key));
    if (server === undefined) throw new Error(`there is no server ${nameOf(key)}`);
    return server;
  }
}

function allKeys(): ServerKey[] {
  return rows.flatMap(({ id }) => clients.map((client) => ({ row: id, client: client.id })));
}

function nameOf({ row, client }: ServerKey): string {
  return `${row} (${client})`;
}

/** JSON has no undefined. */
const done = (_: unknown): null => null;
