import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HealingOptions } from '../../client/options.ts';
import type { GatewayOptions } from '../../hub/gateway/index.ts';
import { type OpenTransport, transportOpener } from '../../hub/open/open-transport.ts';
import { describeError, isResilientMcpError } from '../../protocol/errors.ts';
import { Failed } from '../command.ts';
import { FileWatch } from '../serve/file-watch.ts';
import { type ConfigFile, projectOf, readConfigFile, UnreadableConfig } from './config-file.ts';
import { type NoteFact, upstreamsOf } from './upstreams.ts';

type Upstreams = GatewayOptions['upstreams'];

/** The servers of a file, and what becomes of them when it changes. */
export class ServedFile {
  readonly #path: string;
  readonly #note: NoteFact;
  readonly #say: (words: string) => void;
  /** One for all readings: connections to one module share its process. */
  readonly #open: OpenTransport;
  #watch: FileWatch | undefined;
  #readAt = 0;

  /** @param limits of the connections to its servers */
  constructor(path: string, limits: HealingOptions['limits'], note: NoteFact, say: (words: string) => void) {
    this.#path = path;
    this.#note = note;
    this.#say = say;
    const serve = { command: process.execPath, args: [main] };
    const open = transportOpener({ processes: { cwd: projectOf(path), env: process.env, serve } });
    this.#open = (config, how) => open(config, { ...how, ...(limits && { limits }) });
  }

  /** What the file says now. @throws Failed when it cannot be read, or names no server that can be served */
  upstreams(): Upstreams {
    try {
      const upstreams = this.#read();
      if (Object.keys(upstreams).length > 0) return upstreams;
    } catch (error) {
      if (error instanceof UnreadableConfig) throw new Failed(error.message);
      throw error;
    }
    throw new Failed(`${this.#path} names no server that can be served.`);
  }

  /** Has every later change applied. A file that cannot be read changes nothing. */
  watch(apply: (upstreams: Upstreams) => Promise<void>): void {
    this.#watch = new FileWatch(() => void this.#reload(apply));
    this.#watch.add([this.#path], this.#readAt);
  }

  close(): void {
    this.#watch?.close();
  }

  async #reload(apply: (upstreams: Upstreams) => Promise<void>): Promise<void> {
    try {
      const upstreams = this.#read();
      await apply(upstreams);
      this.#say(`${this.#path} has changed; served: ${Object.keys(upstreams).join(', ') || 'nothing'}`);
    } catch (error) {
      if (!(error instanceof UnreadableConfig) && !isResilientMcpError(error)) throw error;
      this.#say(`${describeError(error)} What was served before goes on.`);
    }
  }

  #read(): Upstreams {
    this.#readAt = Date.now();
    const { servers, problems }: ConfigFile = readConfigFile(this.#path, process.env);
    for (const problem of problems) this.#say(problem);
    return upstreamsOf(servers, this.#open, this.#note);
  }
}

/** This program. */
const main = process.argv[1] ?? fileURLToPath(new URL(`../main${extname(import.meta.url)}`, import.meta.url));
