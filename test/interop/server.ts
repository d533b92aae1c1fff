import type { Installation } from './install.ts';

/** Languages of servers, in the order of the page. */
export const languages = ['typescript', 'python', 'go', 'rust', 'java', 'kotlin'] as const;
export type Language = (typeof languages)[number];

/** A server that nobody here wrote, or the smallest program around a framework that nobody here wrote. */
export interface InteropServer {
  /** What `--only` takes, and the name of its record: letters, digits, `.` and `-`. */
  readonly name: string;
  readonly language: Language;
  /** What is under test, as its package client calls it. */
  readonly package: string;
  /** The exact version; a newer one is tried by changing it here. */
  readonly version: string;
  /** What else a reader has to know, such as the mode it is started in. */
  readonly note?: string;
  /** Programs that have to be on the PATH. Where one is missing, the server is skipped by that name. */
  readonly needs: readonly string[];
  readonly installation: Installation;
  /** How it is started. Called at each start. */
  readonly command: (place: Place) => Command;
  /** Path of its endpoint. Default `/mcp`. */
  readonly path?: string;
  /** The tool that is called. Default: `count`, which writes its key to the ledger. */
  readonly tool?: CalledTool;
  /** Set where a process holds one session, and takes no other when that one was ended. */
  readonly holdsOneSession?: true;
  /** Set where the server can be made to end idle sessions. */
  readonly idleExpiry?: IdleExpiry;
  /** How long one start may take, in ms. Default 30,000. */
  readonly startLimitMs?: number;
}

/** What one process is started with. */
export interface Place {
  /** Where it was installed. */
  readonly folder: string;
  /** The port on 127.0.0.1 on which it is to listen. */
  readonly port: number;
  /** The file to which the tool `count` appends its key, one a line, before it answers; also in INTEROP_LEDGER. */
  readonly ledger: string;
  /** After how much idleness sessions are to end, in ms; undefined: as the server does by itself. */
  readonly idleMs: number | undefined;
}

/** A program that stays in the foreground until it is killed. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/**
 * A tool of a server whose program is fixed. It writes no ledger, so its runs are counted in front of the server: a
 * request that it did not refuse has run.
 */
export interface CalledTool {
  readonly name: string;
  /** Arguments that hold the key, a text that no other call has. */
  readonly arguments: (key: string) => Readonly<Record<string, unknown>>;
}

export interface IdleExpiry {
  /** Given to the server as {@link Place.idleMs}. */
  readonly afterMs: number;
  /** Its sweep included, an idle session is gone after this time. */
  readonly goneMs: number;
}

/** The tool of every program that is written here. */
export const countingTool: CalledTool = { name: 'count', arguments: (key) => ({ key }) };
