import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { systemClock } from '../../base/environment.ts';
import type { HttpClient, HttpInit, HttpResponse } from '../../base/http-client.ts';
import { interruptionOf, NotConnectedError } from '../../client/wire/http/network-error.ts';
import { provenConnection } from '../../hub/gateway/proven-connection.ts';
import {
  isRunning,
  isWindowFile,
  parseWindowFile,
  refuseForeign,
  type WindowFile,
  windowFileOf,
} from '../../hub/gateway/window-file.ts';
import { describeError } from '../../protocol/errors.ts';

/** Limit of the file, in bytes; larger ones are not ours. */
const MAX_FILE_BYTES = 64 * 1024;

interface Read {
  readonly path: string;
  /** Distinguishes the states of the file. */
  readonly state: string;
  readonly file: WindowFile;
}

/** `doubtful`: the file exists, but the gateway was not reached, or its process seems to have ended. */
export type Presence = 'there' | 'doubtful' | 'away';

export interface WindowGatewayOptions {
  /** Path of the window's file, without its extension. */
  readonly stem: string;
  /** Sends requests, to any port. */
  readonly send: HttpClient;
  /** Id of this process's parent. */
  readonly parent: number;
}

/**
 * The gateway of a window, wherever it listens now. Its file is read before each request, so a moved gateway
 * is found. Each new connection must prove that it is the gateway before a token is sent, because another
 * program may have its port.
 */
export class WindowGateway {
  /** Called at the first answer of a gateway, and of each later instance. */
  onmet: () => void = () => {};
  readonly #options: WindowGatewayOptions;
  readonly #folder: string;
  readonly #name: string;
  #read: Read | undefined;
  /** The state of the file for which no gateway was reached. */
  #deserted: string | undefined;
  /** The state of the file with which a gateway was last reached. */
  #met: string | undefined;
  #workspace: string | undefined;

  constructor(options: WindowGatewayOptions) {
    this.#options = options;
    this.#folder = dirname(options.stem);
    this.#name = basename(options.stem);
  }

  /** The last known name of the window's workspace. */
  get workspace(): string | undefined {
    return this.#workspace;
  }

  /**
   * What is known of the gateway without a request. It is briefly `away` during a reload, too.
   * @throws ResilientMcpError `INVALID_CONFIGURATION` for a file that others have rights to
   */
  get presence(): Presence {
    const read = this.#look();
    if (!read) return 'away';
    return read.state === this.#deserted || !isRunning(read.file.pid) ? 'doubtful' : 'there';
  }

  /**
   * A connection on which the gateway has proved that it is the one of the file. Use it for all requests.
   * @throws NotConnectedError when nothing listens there, or another program
   */
  readonly connect = async (port: number): Promise<Socket> => {
    const file = this.#read?.file;
    if (file?.port !== port) throw nobodyThere('the gateway of the window has moved');
    return provenConnection({ port, key: file.proofKey, clock: systemClock });
  };

  /** Sends a request to the gateway, whatever host and port its URL names. */
  readonly send: HttpClient = async (url, init) => {
    for (let read = this.#look(); ; ) {
      if (!read) throw nobodyThere('the gateway of the window is not there');
      const answer = await this.#sendTo(read, url, init);
      if (answer.status !== 401) {
        this.#meet(read.state);
        return answer;
      }
      // It has another token: a later instance of the gateway, or another program.
      await answer.body?.cancel().catch(() => {});
      const now = this.#look();
      if (!now || now.state === read.state) {
        this.#deserted = read.state;
        throw nobodyThere(`somebody else listens on the port of the window's gateway`);
      }
      read = now;
    }
  };

  async #sendTo({ file, state }: Read, url: URL, init: HttpInit): Promise<HttpResponse> {
    const { send, parent } = this.#options;
    const target = new URL(url);
    target.port = String(file.port);
    const headers = new Headers(init.headers);
    // A client started by VS Code's own process ends with it, and must leave no session behind.
    const token = file.pid === parent ? file.passingToken : file.token;
    headers.set('authorization', `Bearer ${token}`);
    try {
      return await send(target, { ...init, headers });
    } catch (error) {
      if (interruptionOf(error) === 'notExecuted') this.#deserted = state;
      throw error;
    }
  }

  #meet(state: string): void {
    this.#deserted = undefined;
    if (state === this.#met) return;
    this.#met = state;
    this.onmet();
  }

  /** Reads the file. The last one is tried first: each window of a folder may have one. */
  #look(): Read | undefined {
    const before = this.#read;
    const known = before && this.#readAt(before.path);
    const isGood = known && known.state !== this.#deserted;
    this.#read = isGood ? known : this.#search(known);
    this.#workspace = this.#read?.file.workspace ?? this.#workspace;
    return this.#read;
  }

  #search(otherwise: Read | undefined): Read | undefined {
    const found = this.#paths().flatMap((path) => this.#readAt(path) ?? []);
    return (
      found.find(({ file, state }) => state !== this.#deserted && isRunning(file.pid)) ??
      found[0] ??
      otherwise
    );
  }

  #paths(): string[] {
    try {
      const names = readdirSync(this.#folder).filter((name) => isWindowFile(name, this.#name));
      const first = basename(windowFileOf(this.#name));
      return names
        .sort((a, b) => Number(b === first) - Number(a === first))
        .map((name) => join(this.#folder, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw nobodyThere(`the folder of windows cannot be read: ${describeError(error)}`);
    }
  }

  #readAt(path: string): Read | undefined {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats || stats.size > MAX_FILE_BYTES) return undefined;
    const state = stateOf(path, stats);
    if (this.#read?.state === state) return this.#read;
    refuseForeign(this.#folder);
    refuseForeign(path, stats);
    const file = parseWindowFile(readText(path));
    return file && { path, state, file };
  }
}

function stateOf(path: string, { ino, mtimeMs, size, mode, uid }: Stats): string {
  return [path, ino, mtimeMs, size, mode, uid].join(' ');
}

/** Empty for a file removed in the meantime. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** An error that means that nothing was sent. */
function nobodyThere(message: string): NotConnectedError {
  return new NotConnectedError(message, { code: undefined });
}
