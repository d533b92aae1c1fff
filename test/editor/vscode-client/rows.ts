/** One line of the table: what a server does to its client. */
interface Row {
  /** Part of the server's own name, of which the editor puts 13 characters into the names of tools. */
  readonly id: string;
  readonly did: string;
  /** The requests that the gateway may fail: it can't know whether they ran, or the server refuses them for what they are. */
  readonly mayFail?: readonly string[];
  /** The answer says, against HTTP, that what has run has not. */
  readonly mayRunTwice?: true;
}

/** In the order of the table. */
export const rows = [
  { id: 'forget404', did: 'forgot its sessions, and answered 404 to the next call' },
  { id: 'forget400', did: 'forgot its sessions, and answered 400 to the next call' },
  { id: 'forget500', did: 'forgot its sessions, and answered 500 to the next call' },
  { id: 'error200', did: 'forgot its sessions, and answered the next call with 200 and a JSON-RPC error' },
  { id: 'twocalls', did: 'forgot its sessions, and answered 404 to two calls at once' },
  { id: 'resource', did: 'forgot its sessions, and answered 404 to the reading of a resource' },
  { id: 'prompt', did: 'forgot its sessions, and answered 404 to a prompt' },
  { id: 'away1s', did: 'answered 404 to everything for one second, and had forgotten its sessions' },
  { id: 'one503', did: 'answered 503 to one call, which did not run' },
  { id: 'ran503', did: 'answered 503 to one call, which had run', mayRunTwice: true },
  {
    id: 'params400',
    did: 'answered 400 *Invalid params* to one call, which did not run',
    mayFail: ['call'],
  },
  { id: 'ran400', did: 'answered 400 *Invalid params* to one call, which had run', mayFail: ['call'] },
  { id: 'stream', did: 'ended the GET stream and forgot its sessions: 404 when the stream is opened again' },
  { id: 'resumable', did: "cut the stream of a call's answer, which can be resumed" },
  {
    id: 'cutearly',
    did: 'restarted during a call that had run, before a byte of its answer',
    mayFail: ['call'],
  },
  {
    id: 'cutlate',
    did: "restarted during a call that had run, its answer's event stream open",
    mayFail: ['call'],
  },
  { id: 'down', did: 'was gone when a call was made, and came back after two seconds without its sessions' },
  { id: 'idle', did: 'was gone while idle, then came back without its sessions' },
  { id: 'frozen', did: 'stopped, as by SIGSTOP, during a call, and went on later' },
] as const satisfies readonly Row[];

export type RowId = (typeof rows)[number]['id'];

/** Those without long waits, which are tests of `npm run test:editor` too. */
export const quickRows: readonly RowId[] = [
  'forget404',
  'forget500',
  'error200',
  'twocalls',
  'resource',
  'prompt',
  'away1s',
  'one503',
  'params400',
  'stream',
  'resumable',
  'cutearly',
  'cutlate',
  'down',
];

export function rowOf(id: RowId): Row {
  const row: Row | undefined = rows.find((each) => each.id === id);
  if (row === undefined) throw new Error(`there is no row ${id}`);
  return row;
}

/** By which way the MCP client that is part of VS Code meets a server. */
export const clients = [
  { id: 'direct', name: 'directly' },
  { id: 'gateway', name: 'through the gateway' },
] as const;

export type ClientId = (typeof clients)[number]['id'];

/** One server of the measurement. Each way has its own for each row, so that no wire is shared. */
export interface ServerKey {
  readonly row: RowId;
  readonly client: ClientId;
}

/** What a server calls itself, and what it is called in the configuration: both make names in the editor. */
export function nameOf({ row, client }: ServerKey): string {
  return client === 'gateway' ? `gw${row}` : row;
}

/** How long a request, a sign or a new session is waited for, in ms. */
export const PATIENCE_MS = 10_000;
