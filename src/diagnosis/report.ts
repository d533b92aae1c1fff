import { type CheckResult, type CheckVerdict, countOf, type Diagnosis, type Evidence } from './check.ts';

const MARKS: Readonly<Record<CheckVerdict, string>> = {
  ok: 'ok',
  note: 'note',
  problem: '**problem**',
  skipped: 'skipped',
};

/** A diagnosis as a Markdown document, to be read and passed on. Pure. */
export function report(diagnosis: Diagnosis): string {
  const { server, checks } = diagnosis;
  const of = (verdict: CheckVerdict) => checks.filter((check) => check.verdict === verdict);
  return [
    `# Diagnosis of ${text(server.name ?? server.target)}`,
    `${summary(diagnosis)}`,
    `${code(server.target)} · ${server.type} · ${timeOf(diagnosis.at)} · ${duration(diagnosis.durationMs)} · resilient-mcp ${text(diagnosis.product)}`,
    table(checks),
    ...section('Problems', of('problem')),
    ...section('Notes', of('note')),
    ...section(
      'What was seen',
      [...of('ok'), ...of('skipped')].filter(({ evidence }) => evidence.length > 0),
    ),
    '---',
    'No tool was called. Credentials, session ids and the queries of addresses are left out.',
    '',
  ].join('\n\n');
}

/** The outcome in a line, without marks: for a terminal and a notification. */
export function summary(diagnosis: Pick<Diagnosis, 'checks'>): string {
  const { ok, note, problem, skipped } = countOf(diagnosis);
  const found = problem === 0 ? 'No problem found' : counted(problem, 'problem');
  const rest = [
    ...(note > 0 ? [counted(note, 'note')] : []),
    `${ok} in order`,
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ];
  return `${found}. ${rest.join(', ')}.`;
}

function table(checks: readonly CheckResult[]): string {
  const rows = checks.map(
    ({ title, verdict, says, durationMs }) =>
      `| ${text(title)} | ${MARKS[verdict]} | ${text(says)} | ${verdict === 'skipped' ? '' : unbroken(duration(durationMs))} |`,
  );
  return ['| check | verdict | what was found | time |', '| --- | --- | --- | ---: |', ...rows].join('\n');
}

function section(title: string, checks: readonly CheckResult[]): string[] {
  return checks.length === 0 ? [] : [`## ${title}`, ...checks.flatMap(entry)];
}

function entry({ title, says, advice, clause, evidence }: CheckResult): string[] {
  return [
    `### ${text(title)}`,
    text(says),
    ...(advice === undefined ? [] : [`*What to do:* ${text(advice)}`]),
    ...(clause === undefined ? [] : [`*Rule:* [${text(clause.title)}](${clause.url})`]),
    ...(evidence.length === 0 ? [] : [fenced(evidence.flatMap(lines).join('\n'))]),
  ];
}

/** One thing that was done and what came of it, as lines. */
function lines({ what, status, headers = {}, body, failure, durationMs }: Evidence): string[] {
  const came = [status, failure].filter((each) => each !== undefined).join(', ');
  const took = durationMs === undefined ? '' : ` (${duration(durationMs)})`;
  return [
    `${what}${came === '' ? '' : ` → ${came}`}${took}`,
    ...Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`),
    ...(body === undefined ? [] : [`  ${body}`]),
  ].map(line);
}

/** Control characters, line breaks and marks of the reading direction must not pass for lines of ours. */
const line = (words: string) => words.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trimEnd();

/** Escapes untrusted text for Markdown and HTML, so that it contains no markup and no links. */
function text(words: string): string {
  return line(words)
    .replace(/[\\`*_[\]<>|&~#]/g, '\\$&')
    .replaceAll('://', ':\\//');
}

function code(words: string): string {
  return `\`${line(words).replaceAll('`', "'")}\``;
}

/** A block whose fence is longer than any in it. */
function fenced(block: string): string {
  const longest = Math.max(2, ...[...block.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${block}\n${fence}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

const duration = (ms: number) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

/** A narrow column must not part a number from its unit. */
const unbroken = (words: string) => words.replaceAll(' ', '\u00a0');

const timeOf = (at: number) => `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
