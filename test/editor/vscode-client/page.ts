import { CODE_SERVER_VERSION } from '../../editor-host/pins.ts';
import type { Bench } from './bench.ts';
import type { Measurement, RequestTally } from './measure-calls.ts';
import { clients, PATIENCE_MS, type RowId, rows } from './rows.ts';

export interface RunFacts {
  readonly date: string;
  readonly resilientMcp: string;
  readonly seconds: number;
}

type ClientOf = (typeof clients)[number];

/** Everything that is known of one client in one row: what its caller met, then what its server saw. */
function factsOf(measurement: Measurement | undefined): readonly string[] {
  if (measurement === undefined) return ['not measured'];
  const { initializes, requests } = measurement.wire;
  // Prompts bear no key at the server: the counts of all are those of each.
  const [prompt, ...others] = requests.filter(({ kind }) => kind === 'prompt');
  const counted = requests.filter((request) => !others.includes(request));
  const words = counted.map((request) =>
    countsOf(request === prompt ? { ...request, key: 'prompts' } : request),
  );
  const wire = [`initialize ${initializes}×`, ...words].join('; ');
  return [...measurement.facts.map(({ words }) => words), `on the wire: ${wire}`];
}

function countsOf({ key, sent, ran }: RequestTally): string {
  return ran === null ? `${key} sent ${sent}×` : `${key} sent ${sent}×, ran ${ran}×`;
}

/** What each way did of its own accord in all rows: a strict server refuses both. */
function habitsIn(bench: Bench): readonly (readonly [name: string, words: string])[] {
  const wires = ({ id }: ClientOf) =>
    rows.flatMap((row) => bench.measurement({ row: row.id, client: id })?.wire ?? []);
  const early = (client: ClientOf): string => {
    const methods = wires(client).map((wire) => wire.early);
    const often = methods.filter(({ length }) => length > 0).length;
    return often === 0
      ? 'none'
      : `in ${often} of ${rows.length} rows (${[...new Set(methods.flat())].join(', ')})`;
  };
  const unversioned = (client: ClientOf): string => {
    const [without, all] = wires(client).reduce(
      ([some, sum], { unversioned: [one, of] }) => [some + one, sum + of],
      [0, 0],
    );
    return `${without} of ${all}`;
  };
  return [
    ...clients.map(
      (client) => [`requests before \`notifications/initialized\`, ${client.name}`, early(client)] as const,
    ),
    ...clients.map(
      (client) => [`requests without \`MCP-Protocol-Version\`, ${client.name}`, unversioned(client)] as const,
    ),
  ];
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
  return [...lines, '', ...habitsIn(bench).map(([name, words]) => `${name}: ${words}`)].join('\n');
}

/** @param cellOf what stands in the cell of a row and a client. */
function tableOf(cellOf: (row: RowId, client: ClientOf) => string): string {
  const head = [`| the server … | ${clients.map(({ name }) => name).join(' | ')} |`, '| --- | --- | --- |'];
  const lines = rows.map(
    ({ id, did }) => `| ${did} | ${clients.map((client) => cellOf(id, client)).join(' | ')} |`,
  );
  return [...head, ...lines].join('\n');
}

function escaped(fact: string): string {
  return fact.replace(/[|<>*_\\]/g, '\\$&');
}

const marks = ['<!-- written by npm run measure:vscode -->', '<!-- until here -->'] as const;

/** The README with the table of this run between its marks. */
export function withTable(readme: string, bench: Bench, run: RunFacts): string {
  const [before, rest] = readme.split(marks[0]);
  const after = rest?.split(marks[1])[1];
  if (before === undefined || after === undefined) throw new Error('README.md has no place for the table');
  const { version } = bench.editor ?? { version: 'unknown' };
  const table = tableOf((row, client) => summaryOf(bench.measurement({ row, client: client.id })));
  const where = `VS Code ${version} as code-server ${CODE_SERVER_VERSION} ships it`;
  return `${before}${marks[0]}\n${run.date}, in the workbench of ${where}:\n\n${table}\n${marks[1]}${after}`;
}

/** One row of one client, as short as it can be said. */
function summaryOf(measurement: Measurement | undefined): string {
  if (measurement === undefined) return 'not measured';
  const { facts, wire } = measurement;
  const twice = wire.requests
    .filter(({ ran }) => ran !== null && ran > 1)
    .map(({ key }) => `**${key} ran twice**`);
  return [...facts.map(({ words }) => escaped(shortened(words))), ...twice].join('; ');
}

/** What was said by an error, no longer than a table bears; docs/vscode-client.md has the whole. */
function shortened(words: string): string {
  return words.replace(/"([^"]{60})[^"]*(?:"[^"]*"[^"]*)*"$/, '"$1…"');
}

/** Of another run: nothing in it is counted here. */
const DEFAULT_AGENT = `## The default agent

Seen on 2026-11-30, in the workbench of VS Code 1.139.1, with the runtime of its Agent Host, without an account;
\`npm run test:agent-host\` runs it again.

| | |
| --- | --- |
| which servers it is given | those of extensions, of the user's \`mcp.json\` and of the workspace's; as they are provided: \`resolveMcpServerDefinition\` is never called, and \`\${input:…}\` arrives as it is written |
| where they are kept | \`agentPlugins\` in the folder of the user's data, in files that other users may read, headers and environment in the clear; several revisions are kept |
| when a definition changes | at the next message every server of the session is started anew, unchanged ones too |
| when the window is closed | it lives on, and so do the programs that it has started |

| a server that this extension protects … | the default agent |
| --- | --- |
| is there | is offered its tools, as \`<name>-resilient-<tool>\`, and calls them |
| was killed, and started again without its sessions | is answered, by the program that it had |
| is met at another address, with other headers | is answered, by the program that it had: its definition is as before |
| stands beside one that was added | is offered both from the next message on |
| is called while the window is reloaded | is answered when the window is there again, by the program that it had |
| is called when the window was closed | is told after 30 seconds that the window is closed, and what to do; is answered when it is open again |
| was provided by an address that wants a token, as by this extension before that day | was offered none of its tools, and said *Authentication required*; now such a refusal is shown in the status bar |
`;

/** docs/vscode-client.md: what one run showed, and nothing else. */
export function pageOf(bench: Bench, run: RunFacts): string {
  const { version, node } = bench.editor ?? { version: 'unknown', node: 'unknown' };
  const table = tableOf((row, client) =>
    factsOf(bench.measurement({ row, client: client.id }))
      .map(escaped)
      .join('<br>'),
  );
  return `# VS Code's own MCP client, directly and through the gateway

Written by \`npm run measure:vscode -- --page\`; do not edit.

This is the *local* harness: the MCP client that is part of VS Code and runs in its extension host. The default agent of
VS Code, Copilot in the Agent Host, is another program with another client; [what it does](#the-default-agent) stands below.

The client meets the same faults in one window by two ways: connected to the servers of \`.vscode/mcp.json\`, and to those
that this extension offers it, by \`attach\` on stdio and the gateway behind it. Tools are called by
\`vscode.lm.invokeTool\`, resources are read by \`vscode.workspace.fs\`, prompts are chosen in the chat. Each way has a
server of its own for each row, on 127.0.0.1, with one tool that carries no hints, so that nothing says that it may be
called again.

| | |
| --- | --- |
| date | ${run.date} |
| editor | the workbench of VS Code ${version} as code-server ${CODE_SERVER_VERSION} ships it, in a headless browser; no desktop VS Code |
| Node.js of the extension host | ${node} |
| this project | \`resilient-mcp\` ${run.resilientMcp} |
| time of the run | ${run.seconds} s |
${habitsIn(bench)
  .map(([name, words]) => `| ${name} | ${words} |`)
  .join('\n')}

*At once* is within one second. Every wait ends after ${PATIENCE_MS / 1000} seconds: *still pending* says nothing about later.
*Sent* counts the requests that reached the server, *ran* how often the tool of a call ran; \`initialize\` is counted from
the fault on. All are those of the editor's client: the extension connects by itself only where no client does.
The servers take requests as soon as they have answered \`initialize\`.

${table}

A restart, here, is: the port closed, every connection cut, the sessions forgotten, the port open again. A server that is
gone has its port closed. A notification is \`notifications/tools/list_changed\`.

The run fails when through the gateway a request is lost that could be answered, one runs twice, one hangs, or a
notification is lost (\`test/editor/vscode-client/judge.ts\`). One exception is made: a server that answers 503 to a call
which has run says that it has not, and the call is sent again.

${DEFAULT_AGENT}`;
}
