import type { Result, Row, Spread } from './harness.ts';

/** Under which conditions the figures came about. */
export interface Conditions {
  readonly date: string;
  readonly command: string;
  readonly node: string;
  readonly sdk: string;
  readonly resilientMcp: string;
  readonly cores: number;
  /** Processes that wanted to run, on average over the minute before the first measurement. */
  readonly load: number;
  readonly seconds: number;
}

/** The results for a terminal. */
export function linesOf(results: readonly Result[]): string {
  const nameWidth = Math.max(...results.flatMap(({ rows }) => rows.map(({ contender }) => contender.length)));
  return results
    .map((result) => {
      const lines = result.rows.map((row) => {
        const cells = [
          row.contender.padEnd(nameWidth),
          inUnits(row, result).padStart(12),
          ...ratioOf(row, result),
        ];
        return `  ${cells.join('  ')}`;
      });
      return [`${result.comparison}: ${measured(result)}`, ...lines].join('\n');
    })
    .join('\n\n');
}

/** docs/performance.md: what one run showed, and nothing else. */
export function pageOf(results: readonly Result[], conditions: Conditions): string {
  return `# Performance

Written by \`${conditions.command}\`; do not edit.

| | |
| --- | --- |
| date | ${conditions.date} |
| Node.js | ${conditions.node} |
| SDK | \`@modelcontextprotocol/sdk\` ${conditions.sdk} |
| this project | \`resilient-mcp\` ${conditions.resilientMcp} |
| processor cores | ${conditions.cores} |
| load average of the minute before | ${conditions.load.toFixed(1)} |
| time of the run | ${conditions.seconds} s |

Every client, every server and the source of load is a process of its own, on this one machine, over loopback. The
contenders of a table are measured in turn, round after round; *ratio* is to the row named baseline, in the same
round. Given are the median of the rounds and, in brackets, the lowest and the highest. The values themselves say more
of the machine than of the programs.

- *A lost session*: the call that meets the loss takes four exchanges, opening a session by hand and calling takes three,
  and by hand there is no \`Client\` of the SDK, which reads every message against its schemas
  ([decision 0010](decisions/0010-what-waits-goes-first.md)).
- *Back at once*: a call that was begun while nobody listened, in the same outages for all contenders. By hand the
  \`Client\` is connected anew after each failure, with a pause between two tries.
- *Client*: every address is reached by \`node:http\` or \`node:https\`
  ([decision 0012](decisions/0012-one-http-client.md)). The row of a transport in memory is what the SDK's client takes
  by itself.
- *Gateway*: what comes at once is answered as JSON, which the SDK's client reads faster than the stream that it gets
  directly ([decision 0011](decisions/0011-the-gateway-answers-at-once-as-json.md)).
- *Server*: [decision 0009](decisions/0009-what-a-request-costs-the-companion.md).

${sectionsOf(results)}
`;
}

function sectionsOf(results: readonly Result[]): string {
  const titles = [...new Set(results.map(({ comparison, plot }) => plot?.subject ?? comparison))];
  const sectionOf = (title: string) => {
    const plotted = results.filter(({ plot }) => plot?.subject === title);
    if (plotted.length > 0) return [growthTableOf(plotted), plotOf(title, plotted)];
    return results.filter(({ comparison }) => comparison === title).map(tableOf);
  };
  return titles.map((title) => [`## ${title}`, ...sectionOf(title)].join('\n\n')).join('\n\n');
}

/** One row for each number, one column for each contender, and the ratio of the last of them to the baseline. */
function growthTableOf(results: readonly Result[]): string {
  const [first] = results;
  const names = first?.rows.map(({ contender }) => contender) ?? [];
  const head = [first?.kind.words, ...names, `ratio, ${names.at(-1)}`];
  const rows = results.map((result) => {
    const values = result.rows.map((row) => inUnits(row, result));
    const ratio = result.rows.map((row) => ratioOf(row, result)).at(-1) ?? [];
    return `| ${[result.plot?.at.toLocaleString('en'), ...values, ratio.join(' ')].join(' | ')} |`;
  });
  return [`| ${head.join(' | ')} |`, `|${' ---: |'.repeat(names.length + 1)} :--- |`, ...rows].join('\n');
}

/** Both axes by their logarithms, so that what grows in proportion is a straight line. */
function plotOf(title: string, results: readonly Result[]): string {
  const [first] = results;
  const log = (value: number) => Math.log10(value).toFixed(2);
  const lines = first?.rows.map((_, index) => {
    const values = results.map(({ rows }) => log(rows[index]?.value.median ?? Number.NaN));
    return `  line [${values.join(', ')}]`;
  });
  const at = results.map(({ plot }) => `"${plot?.at.toLocaleString('en')}"`).join(', ');
  return [
    `Lines, in this order: ${first?.rows.map(({ contender }) => contender).join(', ')}.`,
    '',
    '```mermaid',
    'xychart-beta',
    `  title "${title.replace('Growth: ', '')}"`,
    `  x-axis [${at}]`,
    `  y-axis "log10 of ${first?.kind.unit}"`,
    ...(lines ?? []),
    '```',
  ].join('\n');
}

function tableOf(result: Result): string {
  const rows = result.rows.map((row) => {
    const [ratio = '', range = ''] = ratioOf(row, result);
    return `| ${row.contender} | ${inUnits(row, result)} | ${ratio} ${range} |`.replace(/ +\|$/, ' |');
  });
  return [`| ${measured(result)} | value | ratio |`, '| --- | ---: | :--- |', ...rows].join('\n');
}

function measured({ kind, rounds }: Result): string {
  return `${kind.words}, ${kind.better} is better, ${rounds} round${rounds === 1 ? '' : 's'}`;
}

function inUnits({ value }: Row, { kind }: Result): string {
  return `${rounded(value.median)} ${kind.unit}`;
}

function ratioOf({ ratio }: Row, { rounds }: Result): readonly string[] {
  if (!ratio) return ['baseline'];
  return [ratio.median.toFixed(2), rounds === 1 ? '(one round)' : rangeOf(ratio)];
}

function rangeOf({ lowest, highest }: Spread): string {
  return `(${lowest.toFixed(2)} to ${highest.toFixed(2)})`;
}

/** Three figures: the rest is noise. */
function rounded(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
