import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Language } from './server.ts';

/** What is asked of a server by hand, in the order of the page. */
export const questions = {
  unknownPost: { words: 'POST with an id that it does not know', method: 'POST', sendsId: true },
  noIdPost: { words: 'POST without an id', method: 'POST', sendsId: false },
  endedPost: { words: 'POST in a session ended by DELETE', method: 'POST', sendsId: true },
  unknownGet: { words: 'GET with an id that it does not know', method: 'GET', sendsId: true },
  unknownDelete: { words: 'DELETE with an id that it does not know', method: 'DELETE', sendsId: true },
  staleInitialize: { words: '`initialize` with an id that it does not know', method: 'POST', sendsId: true },
} as const;
export type Question = keyof typeof questions;

/** One answer, byte for byte but for ids of sessions, which stand as `<session id>`. */
export interface RecordedAnswer {
  readonly status: number;
  readonly contentType: string | null;
  readonly body: string;
  /** Whether `body` is not all of it: it was a stream that stayed open. */
  readonly isOpen?: true;
  /** The `WWW-Authenticate` header, where there was one. */
  readonly challenge?: string;
  /** What its `Mcp-Session-Id` header held, where there was one: the id that was sent, or another one. */
  readonly sessionId?: 'sent' | 'another';
  /** The kind of verdict that `verdictOf` gave. */
  readonly verdict: string;
}

/** What a server goes through, in the order of the page. */
export const cases = {
  calls: 'connected, listed, called',
  restart: 'killed, restarted, called',
  outage: 'killed, called while away, restarted after two seconds',
  ended: 'session ended by DELETE from elsewhere, called',
  idle: 'away until its session had ended by idleness, called',
} as const;
export type CaseName = keyof typeof cases;

export interface CaseResult {
  /** `not offered`: the server has nothing that could be tried so. */
  readonly outcome: 'passed' | 'failed' | 'not offered';
  readonly calls: number;
  /** Calls that got no answer of the tool. */
  readonly lost: number;
  /** Calls that ran more than once. */
  readonly twice: number;
  /** From the moment at which the server listened again to the first answer of a call, in ms. */
  readonly backMs?: number;
  /** How many sessions the connection has had by the end of the case. */
  readonly generation?: number;
  /** Why it failed, or what else there is to know. */
  readonly detail?: string;
}

/** What stands between a client of another language and a server that is killed. */
export const arrangements = {
  alone: 'nothing',
  companion: 'nothing; the server is under the companion',
  gateway: 'the gateway',
} as const;
export type Arrangement = keyof typeof arrangements;

/** What one run showed of one client of another language. */
export interface ClientRecord {
  readonly name: string;
  readonly language: Language;
  readonly package: string;
  readonly version: string;
  /** Day of the run. */
  readonly date: string;
  /** The server that it calls alone and through the gateway: package and version. */
  readonly upstream: string;
  /** Alone, it is not judged: that is what the others are compared with. */
  readonly results: Readonly<Record<Arrangement, Readonly<Partial<Record<CaseName, CaseResult>>>>>;
}

export type WayName = 'transport' | 'gateway';

/** Everything that one run showed of one server. */
export interface ServerRecord {
  readonly name: string;
  readonly language: Language;
  readonly package: string;
  readonly version: string;
  readonly note?: string;
  /** Day of the run. */
  readonly date: string;
  /** What was called, and where its runs were counted. */
  readonly called: string;
  /** Whether it gives its sessions ids. */
  readonly hasSessions: boolean;
  readonly answers: Readonly<Partial<Record<Question, RecordedAnswer>>>;
  readonly ways: Readonly<Record<WayName, Readonly<Record<CaseName, CaseResult>>>>;
}

const root = join(import.meta.dirname, 'recorded');

/** The records of all servers, by language and name. */
export const readRecords = (): readonly ServerRecord[] => readAll('servers') as ServerRecord[];

/** The records of all clients of other languages. */
export const readClientRecords = (): readonly ClientRecord[] => readAll('clients') as ClientRecord[];

export const writeRecord = (record: ServerRecord): void => writeOne('servers', record);

export const writeClientRecord = (record: ClientRecord): void => writeOne('clients', record);

function readAll(kind: string): unknown[] {
  const folder = join(root, kind);
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((each) =>
    each.endsWith('.json'),
  );
  return files.sort().map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')));
}

function writeOne(kind: string, record: ServerRecord | ClientRecord): void {
  const file = join(root, kind, record.language, `${record.name}.json`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`);
}
