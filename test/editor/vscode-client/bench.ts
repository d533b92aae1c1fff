import type { Handlers } from '../../editor-host/calls.ts';
import type { EditorFacts, MeasureCalls, Measurement } from './measure-calls.ts';
import { MeasuredServer } from './measured-server.ts';
import { type ClientId, nameOf, type ServerKey } from './rows.ts';

/** The servers of a measurement, and what came of it. */
export class Bench {
  readonly keys: readonly ServerKey[];
  readonly #servers = new Map<string, MeasuredServer>();
  readonly #measured = new Map<string, Measurement>();
  readonly #failures = new Map<string, string>();
  /** What was measured in; undefined before the suite began. */
  editor: EditorFacts | undefined;

  private constructor(keys: readonly ServerKey[]) {
    this.keys = keys;
  }

  static async start(keys: readonly ServerKey[]): Promise<Bench> {
    const bench = new Bench(keys);
    for (const key of keys) bench.#servers.set(nameOf(key), await MeasuredServer.start(key));
    return bench;
  }

  readonly handlers: Handlers<MeasureCalls> = {
    print: async ({ line }) => done(console.log(line)),
    url: async (key) => this.#server(key).url,
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

  /** The address of each server that is met by this way, by its name. */
  urls(client: ClientId): ReadonlyMap<string, string> {
    const keys = this.keys.filter((key) => key.client === client);
    return new Map(keys.map((key) => [nameOf(key), this.#server(key).url]));
  }

  measurement(key: ServerKey): Measurement | undefined {
    return this.#measured.get(nameOf(key));
  }

  /** The rows that were not measured, with the reason as far as it is known. */
  get missing(): string[] {
    const left = this.keys.filter((key) => !this.#measured.has(nameOf(key)));
    return left.map(
      (key) => `${key.row} (${key.client}): ${this.#failures.get(nameOf(key)) ?? 'it was not reached'}`,
    );
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

/** JSON has no undefined. */
const done = (_: unknown): null => null;
