import type { LostSessionDialect } from './ledger-endpoint.ts';
import { type ServerProgram, scriptPath } from './supervised-server.ts';

/**
 * `@modelcontextprotocol/server-everything`, the reference server, in its Streamable HTTP mode. It keeps its sessions in
 * memory and answers 400 "No valid session ID provided" for one that it has lost.
 */
export function everythingServer(port: number): ServerProgram {
  const entry = import.meta.resolve('@modelcontextprotocol/server-everything/package.json');
  return {
    name: 'everything',
    script: scriptPath('./dist/index.js', entry),
    args: ['streamableHttp'],
    env: { PORT: String(port) },
    port,
    listening: /listening on port \d+/,
  };
}

export interface LedgerProgramOptions {
  readonly port: number;
  /** Path of the ledger file. */
  readonly file: string;
  /** Default `404-json`. */
  readonly dialect?: LostSessionDialect;
  /** Path of a request log; none is written without it. */
  readonly requestLog?: string;
}

/** The ledger server of this folder. */
export function ledgerServer(options: LedgerProgramOptions): ServerProgram {
  const { port, file, dialect = '404-json', requestLog } = options;
  const log = requestLog === undefined ? [] : ['--request-log', requestLog];
  return {
    name: 'ledger',
    script: scriptPath('./ledger-server.ts', import.meta.url),
    args: ['--port', String(port), '--file', file, '--dialect', dialect, ...log],
    port,
    listening: /^listening on http/,
  };
}
