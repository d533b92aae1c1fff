import { type Count, count, isStepBack, type Row } from './comparison.ts';

export interface Versions {
  readonly date: string;
  readonly suite: string;
  readonly sdk: string;
  readonly resilientMcp: string;
  readonly node: string;
}

export function inWords({ checks, scenarios }: Count): string {
  return `${checks.passed} of ${checks.made} checks, ${scenarios.passed} of ${scenarios.made} scenarios as a whole`;
}

/** docs/conformance.md: what one run showed, and nothing else. `notRun` names the scenarios without a client. */
export function pageOf(rows: readonly Row[], notRun: readonly string[], versions: Versions): string {
  const stepsBack = rows.filter(isStepBack).length;
  return `# Conformance

Written by \`npm run test:conformance -- --page\`; do not edit.

The official suite drives an SDK \`Client\` through each of its client scenarios twice: over the SDK's own
\`StreamableHTTPClientTransport\`, and over \`ResilientTransport\`. Nothing else differs between the two runs.

| | |
| --- | --- |
| date | ${versions.date} |
| suite | \`@modelcontextprotocol/conformance\` ${versions.suite}, ${scenariosOf(rows).length} client scenarios |
| scenarios not run | ${notRun.join(', ') || 'none'} |
| SDK | \`@modelcontextprotocol/sdk\` ${versions.sdk} |
| this project | \`resilient-mcp\` ${versions.resilientMcp} |
| Node.js | ${versions.node} |
| passed, SDK's transport | ${inWords(count(rows, 'baseline'))} |
| passed, \`ResilientTransport\` | ${inWords(count(rows, 'ours'))} |
| passed by the SDK's transport and not by ours | ${stepsBack} |

A check that a scenario makes several times counts once, and passes if it passes every time. *Scenario as a whole* is
the suite's own word: no check failed or warned, and the client ended as it should.

${table(rows)}
`;
}

function scenariosOf(rows: readonly Row[]): readonly string[] {
  return [...new Set(rows.map(({ scenario }) => scenario))];
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ scenario, check, baseline, ours }) => `| ${scenario} | ${check} | ${baseline} | ${ours} |`,
  );
  const head = ["| scenario | check | SDK's transport | ResilientTransport |", '| --- | --- | --- | --- |'];
  return [...head, ...lines].join('\n');
}

/** The same table for a terminal. */
export function linesOf(rows: readonly Row[]): string {
  const widthOf = (of: (row: Row) => string) => Math.max(...rows.map((row) => of(row).length));
  const scenarioWidth = widthOf(({ scenario }) => scenario);
  const checkWidth = widthOf(({ check }) => check);
  const line = (scenario: string, check: string, baseline: string, ours: string) =>
    `${scenario.padEnd(scenarioWidth)}  ${check.padEnd(checkWidth)}  ${baseline.padEnd(8)}  ${ours}`;
  return [
    line('scenario', 'check', 'baseline', 'ours'),
    ...rows.map(
      (row) => line(row.scenario, row.check, row.baseline, row.ours) + (isStepBack(row) ? '   ✘' : ''),
    ),
  ].join('\n');
}
