/**
 * The ledger as a process:
 *
 *   node harness/ledger-server.ts --file ledger.jsonl [--port 0] [--dialect 404-json] [--request-log requests.jsonl]
 *
 * It says `listening on <url>` when it does, and `started <entry>` and `appended <entry>` as they happen.
 */
import { parseArgs } from 'node:util';
import { LedgerEndpoint, type LedgerEndpointOptions, lostSessionDialects } from './ledger-endpoint.ts';

try {
  const endpoint = await LedgerEndpoint.start({
    ...optionsFrom(process.argv.slice(2)),
    tell: (event) => console.log(event),
  });
  console.log(`listening on ${endpoint.url}`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => endpoint.close().finally(() => process.exit(0)));
  }
} catch (error) {
  console.error(`ledger-server: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}

function optionsFrom(args: string[]): LedgerEndpointOptions {
  const { values } = parseArgs({
    args,
    options: {
      file: { type: 'string' },
      port: { type: 'string', default: '0' },
      dialect: { type: 'string', default: '404-json' },
      'request-log': { type: 'string' },
    },
  });
  const dialect = lostSessionDialects.find((known) => known === values.dialect);
  if (dialect === undefined) throw new Error(`--dialect is one of ${lostSessionDialects.join(', ')}`);
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error('--port is a number from 0 to 65535');
  if (values.file === undefined) throw new Error('--file is missing: the path of the ledger');
  const requestLog = values['request-log'];
  return { file: values.file, port, dialect, ...(requestLog === undefined ? {} : { requestLog }) };
}
