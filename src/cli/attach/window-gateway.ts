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

/** Larger files are none of ours, in bytes. */
const MAX_FILE_BYTES = 64 * 1024;

interface Read {
  readonly path: string;
  /** What tells one state of the file from another. */
  readonly state: string;
  readonly file: WindowFile;
}

/** `doubtful`: it is said where it is, and nobody was met there, or its process seems to be gone. */
export type Presence = 'there' | 'doubtful' | 'away';

export interface WindowGatewayOptions {
  /** The path of the window's file, without its ending. */
  readonly stem: string;
  /** What makes requests, to whatever port. */
  readonly send: HttpClient;
  /** Of the process that has started this one. */
  readonly parent: number;
}

/**
 * The gateway of a window, wherever it is at the moment: its file is looked at before each request, so that a gateway
 * that has moved is found, and nothing is sent to whoever has its port when it is gone: whoever it is has to prove
 * itself on each new connection, before it is sent a token.
 */
export class WindowGateway {
  /** Called when a gateway has answered for the first time, and each further life of it. */
  onmet: () => void = () => {};
  readonly #options: WindowGatewayOptions;
  readonly #folder: string;
  readonly #name: string;
  #read: Read | undefined;
  /** The state of the file at which no gateway was found. */
  #deserted: string | undefined;
  /** The state of the file with which one was met last. */
  #met: string | undefined;
  #workspace: string | undefined;

  constructor(options: WindowGatewayOptions) {
    this.#options = options;
    this.#folder = dirname(options.stem);
    this.#name = basename(options.stem);
  }

  /** What is open in the window, as far as it was ever known. */
  get workspace(): string | undefined {
    return this.#workspace;
  }

  /**
   * What can be told of the gateway without asking it. One that is being reloaded is away for a moment, too.
   * @throws ResilientMcpError `INVALID_CONFIGURATION` for a file that others have rights to
   */
  get presence(): Presence {
    const read = this.#look();
    if (!read) return 'away';
    return read.state === this.#deserted || !isRunning(read.file.pid) ? 'doubtful' : 'there';
  }

  /**
   * A connection on which the gateway has proved to be the one of the file. To be used for all that is sent.
   * @throws NotConnectedError when nobody is there, or a stranger
   */
  readonly connect = async (port: number): Promise<Socket> => {
    const file = this.#read?.file;
    if (file?.port !== port) throw nobodyThere('the gateway of the window has moved');
    return provenConnection({ port, key: file.proofKey, clock: systemClock });
  };

  /** Makes a request to the gateway, whatever host and port its address names. */
  readonly send: HttpClient = async (url, init) => {
    for (let read = this.#look(); ; ) {
      if (!read) throw nobodyThere('the gateway of the window is not there');
      const answer = await this.#sendTo(read, url, init);
      if (answer.status !== 401) {
        this.#meet(read.state);
        return answer;
      }
      // Whoever it is has another token: it is the gateway's next life, or a stranger.
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
    // Whoever was started by the editor's own process ends with it, and leaves no session behind.
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

  /** What the file says now. That of the last time is looked at first: there may be one for each window of a folder. */
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

/** Nothing for a file that goes away meanwhile. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** An error of the kind that nothing was sent. */
function nobodyThere(message: string): NotConnectedError {
  return new NotConnectedError(message, { code: undefined });
}
