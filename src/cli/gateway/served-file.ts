import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HealingOptions } from '../../client/options.ts';
import { configuredServer } from '../../hub/open/configured-server.ts';
import { type OpenTransport, transportOpener } from '../../hub/open/open-transport.ts';
import type { ServerDefinition } from '../../hub/server-definition.ts';
import { describeError, isResilientMcpError } from '../../protocol/errors.ts';
import { Failed } from '../command.ts';
import { FileWatch } from '../serve/file-watch.ts';
import { type ConfigFile, projectOf, readConfigFile, UnreadableConfig } from './config-file.ts';

/** The servers of a file, read again when it changes. */
export class ServedFile {
  readonly #path: string;
  readonly #say: (words: string) => void;
  /** Shared by all readings of the file, so that connections to one module share its process. */
  readonly #open: OpenTransport;
  #watch: FileWatch | undefined;
  #readAt = 0;

  /** @param limits limits of the connections to the servers */
  constructor(path: string, limits: HealingOptions['limits'], say: (words: string) => void) {
    this.#path = path;
    this.#say = say;
    const serve = { command: process.execPath, args: [main] };
    const open = transportOpener({ processes: { cwd: projectOf(path), env: process.env, serve } });
    this.#open = (config, how) => open(config, { ...how, ...(limits && { limits }) });
  }

  /** Reads the file. @throws Failed if it cannot be read, or has no server that can be served */
  servers(): readonly ServerDefinition[] {
    try {
      const servers = this.#read();
      if (servers.length > 0) return servers;
    } catch (error) {
      if (error instanceof UnreadableConfig) throw new Failed(error.message);
      throw error;
    }
    throw new Failed(`${this.#path} has no server that can be served.`);
  }

  /** Applies every later change. A file that cannot be read changes nothing. */
  watch(apply: (servers: readonly ServerDefinition[]) => void): void {
    this.#watch = new FileWatch(() => this.#reload(apply));
    this.#watch.add([this.#path], this.#readAt);
  }

  close(): void {
    this.#watch?.close();
  }

  #reload(apply: (servers: readonly ServerDefinition[]) => void): void {
    try {
      const servers = this.#read();
      apply(servers);
      const names = servers.map(({ name }) => name).join(', ');
      this.#say(`${this.#path} changed. Now serving: ${names || 'nothing'}`);
    } catch (error) {
      if (!(error instanceof UnreadableConfig) && !isResilientMcpError(error)) throw error;
      this.#say(`${describeError(error)} The servers from before stay.`);
    }
  }

  #read(): ServerDefinition[] {
    this.#readAt = Date.now();
    const { servers, problems }: ConfigFile = readConfigFile(this.#path, process.env);
    for (const problem of problems) this.#say(problem);
    return servers.map((config) => configuredServer(config, this.#open));
  }
}

/** This program. */
const main = process.argv[1] ?? fileURLToPath(new URL(`../main${extname(import.meta.url)}`, import.meta.url));
