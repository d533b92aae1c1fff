/** What a server does in the measurement, in the order of the table. The ids are server names in both clients. */
export const rows = [
  { id: 'forget404', did: 'forgot its sessions, and answered 404 to the next call' },
  { id: 'forget400', did: 'forgot its sessions, and answered 400 to the next call' },
  { id: 'twocalls', did: 'forgot its sessions, and answered 404 to two calls at once' },
  { id: 'away1s', did: 'answered 404 to everything for one second, and had forgotten its sessions' },
  { id: 'one503', did: 'answered 503 to one call, which did not run' },
  { id: 'ran503', did: 'answered 503 to one call, which had run' },
  { id: 'params400', did: 'answered 400 *Invalid params* to one call, which did not run' },
  { id: 'ran400', did: 'answered 400 *Invalid params* to one call, which had run' },
  { id: 'stream', did: 'ended the GET stream and forgot its sessions: 404 when the stream is opened again' },
  { id: 'cutearly', did: 'restarted during a call that had run, before a byte of its answer' },
  { id: 'cutlate', did: "restarted during a call that had run, its answer's event stream open" },
  { id: 'idle', did: 'was gone while idle, then came back without its sessions' },
] as const;

export type RowId = (typeof rows)[number]['id'];

/** Whose connection is measured: the MCP client that is part of VS Code, or this extension. */
export const clients = [
  { id: 'vscode', name: "VS Code's own client" },
  { id: 'extension', name: 'a connection of this extension' },
] as const;

export type ClientId = (typeof clients)[number]['id'];

/** One server of the measurement. Each client has its own for each row, so that no wire is shared. */
export interface ServerKey {
  readonly row: RowId;
  readonly client: ClientId;
}

/** How long a call, a sign or a new session is waited for, in ms. */
export const PATIENCE_MS = 10_000;
