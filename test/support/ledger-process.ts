import { freePort } from '../../harness/free-port.ts';
import { type LedgerLine, ranTwice, readLedger } from '../../harness/ledger.ts';
import type { LostSessionDialect } from '../../harness/ledger-endpoint.ts';
import { ledgerServer } from '../../harness/programs.ts';
import { readRequestLog } from '../../harness/request-log.ts';
import { SupervisedServer } from '../../harness/supervised-server.ts';
import { scratchFolder } from './scratch.ts';

/** A ledger server as a process, to be killed and started again, and what its files tell over all its processes. */
export interface LedgerProcess extends AsyncDisposable {
  readonly server: SupervisedServer;
  readonly lines: readonly LedgerLine[];
  /** Entries that were written more than once. */
  readonly ranTwice: readonly string[];
  /** How many sessions were opened. */
  readonly initializes: number;
}

export async function ledgerProcess(dialect: LostSessionDialect = '404-json'): Promise<LedgerProcess> {
  const folder = scratchFolder();
  const [file, requestLog] = [folder.file('ledger.jsonl'), folder.file('requests.jsonl')];
  const port = await freePort();
  const server = await SupervisedServer.start(ledgerServer({ port, file, dialect, requestLog }));
  return {
    server,
    get lines() {
      return readLedger(file);
    },
    get ranTwice() {
      return [...ranTwice(readLedger(file)).keys()];
    },
    get initializes() {
      return readRequestLog(requestLog).filter(({ rpc }) => rpc === 'initialize').length;
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      folder[Symbol.dispose]();
    },
  };
}
