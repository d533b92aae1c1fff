import { CODE_SERVER_VERSION } from '../../editor-host/pins.ts';
import type { Bench } from './bench.ts';
import type { Measurement } from './measure-calls.ts';
import { clients, PATIENCE_MS, rows } from './rows.ts';

export interface RunFacts {
  readonly date: string;
  readonly resilientMcp: string;
  readonly seconds: number;
}

/** Everything that is known of one client in one row: what its caller met, then what its server saw. */
function factsOf(measurement: Measurement | undefined): readonly string[] {
  if (measurement === undefined) return ['not measured'];
  const { initializes, calls } = measurement.wire;
  const counts = calls.map(({ key, sent, ran }) => `${key} sent ${sent}×, ran ${ran}×`);
  const wire = [`initialize ${initializes}×`, ...counts].join('; ');
  return [...measurement.facts, `on the wire: ${wire}`];
}

/** For each client: what it asked of a session before it had told that it was initialized. A strict server refuses that. */
function earlyIn(bench: Bench): readonly (readonly [name: string, words: string])[] {
  return clients.map(({ id, name }) => {
    const early = rows.map((row) => bench.measurement({ row: row.id, client: id })?.wire.early ?? []);
    const methods = [...new Set(early.flat())];
    const often = early.filter(({ length }) => length > 0).length;
    return [name, often === 0 ? 'none' : `in ${often} of ${rows.length} rows (${methods.join(', ')})`];
  });
}

/** The table for a terminal. */
export function linesOf(bench: Bench): string {
  const lines = rows.flatMap(({ id, did }) => [
    '',
    `The server ${did}`,
    ...clients.flatMap((client) => [
      `  ${client.name}`,
      ...factsOf(bench.measurement({ row: id, client: client.id })).map((fact) => `    ${fact}`),
    ]),
  ]);
  const early = earlyIn(bench).map(([name, words]) => `  ${name}: ${words}`);
  return [...lines, '', 'Requests before notifications/initialized', ...early].join('\n');
}

function tableOf(bench: Bench): string {
  const head = [`| the server … | ${clients.map(({ name }) => name).join(' | ')} |`, '| --- | --- | --- |'];
  const lines = rows.map(({ id, did }) => {
    const cells = clients.map((client) =>
      factsOf(bench.measurement({ row: id, client: client.id }))
        .map(escaped)
        .join('<br>'),
    );
    return `| ${did} | ${cells.join(' | ')} |`;
  });
  return [...head, ...lines].join('\n');
}

function escaped(fact: string): string {
  return fact.replace(/[|<>*_\\]/g, '\\$&');
}

/** docs/vscode-client.md: what one run showed, and nothing else. */
export function pageOf(bench: Bench, run: RunFacts): string {
  const { version, node } = bench.editor ?? { version: 'unknown', node: 'unknown' };
  return `# VS Code's own MCP client, measured

Written by \`npm run measure:vscode -- --page\`; do not edit.

Two clients in one window meet the same faults: the MCP client that is part of VS Code, with the servers of
\`.vscode/mcp.json\`, its tools called by \`vscode.lm.invokeTool\`; and a connection of this extension, its tools called by
\`callTool\` of the extension's API. Each client has a server of its own for each row, on 127.0.0.1, with one tool that
carries no hints, so that nothing tells a client that it may be called again.

| | |
| --- | --- |
| date | ${run.date} |
| editor | the workbench of VS Code ${version} as code-server ${CODE_SERVER_VERSION} ships it, in a headless browser; no desktop VS Code |
| Node.js of the extension host | ${node} |
| this project | \`resilient-mcp\` ${run.resilientMcp} |
| time of the run | ${run.seconds} s |
${earlyIn(bench)
  .map(([name, words]) => `| requests before \`notifications/initialized\`, ${name} | ${words} |`)
  .join('\n')}

*At once* is within one second. Every wait ends after ${PATIENCE_MS / 1000} seconds: *still pending* says nothing about later.
*Sent* counts the requests that reached the server for a call, *ran* how often its tool ran. \`initialize\` is counted from
the fault on. The servers take requests as soon as they have answered \`initialize\`.

${tableOf(bench)}

A restart, here, is: the port closed, every connection cut, the sessions forgotten, the port open again. A server that is
gone has its port closed. A notification is \`notifications/tools/list_changed\`.
`;
}
