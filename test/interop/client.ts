import type { Installation } from './install.ts';
import type { Command, InteropServer, Language } from './server.ts';

/**
 * A client of another language, as a program that connects to the endpoint it is given, lists the tools, and writes the
 * line `ready`. Each line that it then reads is a key: it calls the tool `count` with it, without waiting for the calls
 * before, and writes `{"key": …, "text": …}` or `{"key": …, "error": …}` as a line of JSON. It ends with its input.
 */
export interface InteropClient {
  /** What `--only` takes, and the name of its record. */
  readonly name: string;
  readonly language: Language;
  /** What is under test, as its package client calls it. */
  readonly package: string;
  readonly version: string;
  readonly needs: readonly string[];
  readonly installation: Installation;
  readonly command: (place: ClientPlace) => Command;
  /** The server, with the tool `count`, that it calls alone and through the gateway. */
  readonly upstream: InteropServer;
}

export interface ClientPlace {
  /** Where it was installed. */
  readonly folder: string;
  readonly url: string;
  /** What it has to send as `Authorization: Bearer …`; undefined where nothing is asked for. */
  readonly token: string | undefined;
}
