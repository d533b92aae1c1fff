import {
  type Arrangement,
  arrangements,
  type CaseName,
  type CaseResult,
  type ClientRecord,
  cases,
  type Question,
  questions,
  type RecordedAnswer,
  type ServerRecord,
  type WayName,
} from './record.ts';
import { languages } from './server.ts';

/** How much of a body the page shows; the record holds all of it. */
const SHOWN_BODY = 240;

const wayTitles: Readonly<Record<WayName, string>> = {
  transport: '`ResilientTransport` under the SDK’s client',
  gateway: 'the gateway, with the SDK’s plain client behind it',
};

/** docs/interop.md: what the runs that are recorded showed, and nothing else. */
export function pageOf(given: readonly ServerRecord[], clients: readonly ClientRecord[]): string {
  const records = [...given].sort(
    (one, other) =>
      languages.indexOf(one.language) - languages.indexOf(other.language) ||
      one.name.localeCompare(other.name),
  );
  return `# Servers of the real world

Written by \`npm run test:interop -- --page\`; do not edit. The records, with every answer whole, are in
\`test/interop/recorded/\`.

Each server is installed by its own package client and started as a process on loopback, with nothing of this project in
it. It is killed with SIGKILL. In each case five calls go out at once. *Lost* is a call that got no answer of the tool,
*twice* one that ran more than once: by a file that the tool writes, or, where the program is fixed, by what it did not
refuse. *Back* is the time from the moment at which the server listened again to the first answer: when calls begin then,
and when they have waited for two seconds. It depends on the machine and on what else that did; nothing is asserted of it.

*Ended by idleness*: the server is told to end idle sessions after a second, and the way to it is cut for as long as that
takes, since most servers count a stream that is held open as use.

A call that is under way at the very moment of a kill is in none of these cases: whether it ran is not known, and its
caller is told so ([protocol.md](protocol.md#7-errors), \`OUTCOME_UNKNOWN\`).

${inAll(records, clients)}

${Object.entries(wayTitles)
  .map(([way, title]) => `## By ${title}\n\n${wayTable(records, way as WayName)}`)
  .join('\n\n')}

## Clients of other languages

Clients that know nothing of this project, as their package has them by itself, and a server that is killed and started
again under them. *Alone* is what the other two are to be compared with.

${clientTable(clients)}

## What they answer

The id that a server does not know is one that it gave itself, before it was killed. \`<session id>\` stands for an id.
The verdict is that of \`src/protocol/verdict.ts\`; what it leads to is in [protocol.md](protocol.md#2-what-an-answer-means).

${records.map((record) => answersOf(record)).join('\n\n')}
`;
}

function inAll(records: readonly ServerRecord[], clients: readonly ClientRecord[]): string {
  const results = [
    ...records.flatMap(({ ways }) => Object.values(ways).flatMap((way) => Object.values(way))),
    ...clients.flatMap(({ results: { companion, gateway } }) => [
      ...Object.values(companion),
      ...Object.values(gateway),
    ]),
  ];
  const [calls, lost, twice] = (['calls', 'lost', 'twice'] as const).map((key) =>
    sumOf(results, (result) => result[key]),
  );
  const spoken = new Set([...records, ...clients].map(({ language }) => language)).size;
  return (
    `In all: ${records.length} servers and ${clients.length} clients in ${spoken} languages, ` +
    `${calls} calls, ${lost} lost, ${twice} run twice.`
  );
}

function wayTable(records: readonly ServerRecord[], way: WayName): string {
  const head = [
    '| server | package | called | killed and restarted | away for two seconds | ended by DELETE | ended by idleness | lost | twice | back | date |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
  ];
  return [...head, ...records.map((record) => wayRow(record, way))].join('\n');
}

function wayRow(record: ServerRecord, way: WayName): string {
  const results = record.ways[way];
  const all = Object.values(results);
  const backs = [results.restart.backMs, results.outage.backMs].map((ms) =>
    ms === undefined ? '–' : `${ms} ms`,
  );
  const cells = [
    record.name,
    packageOf(record),
    ...(Object.keys(cases) as CaseName[]).map((name) => caseCell(results[name])),
    String(sumOf(all, ({ lost }) => lost)),
    String(sumOf(all, ({ twice }) => twice)),
    backs.join(', '),
    record.date,
  ];
  return `| ${cells.join(' | ')} |`;
}

function caseCell({ outcome, calls, lost, generation, detail }: CaseResult): string {
  if (outcome === 'not offered') return `– (${inCell(detail ?? '')})`;
  const answered = `${calls - lost} of ${calls}`;
  const session = generation === undefined ? '' : `, session ${generation}`;
  return outcome === 'passed' ? `${answered}${session}` : `**${answered}** ${inCell(detail ?? '')}`;
}

function clientTable(records: readonly ClientRecord[]): string {
  const head = [
    '| client | package | between it and the server | called | killed and restarted | away for two seconds | lost | twice | date |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
  ];
  const rows = records.flatMap((record) =>
    (Object.keys(arrangements) as Arrangement[]).map((name) => clientRow(record, name)),
  );
  return [...head, ...rows].join('\n');
}

function clientRow(record: ClientRecord, name: Arrangement): string {
  const results = record.results[name];
  const all = Object.values(results);
  const upstream = name === 'companion' ? '' : ` (${record.upstream})`;
  const cells = [
    record.name,
    packageOf(record),
    arrangements[name] + upstream,
    ...(['calls', 'restart', 'outage'] as const).map((each) => {
      const result = results[each];
      return result ? caseCell(result) : '–';
    }),
    String(sumOf(all, ({ lost }) => lost)),
    String(sumOf(all, ({ twice }) => twice)),
    record.date,
  ];
  return `| ${cells.join(' | ')} |`;
}

const sumOf = (all: readonly CaseResult[], of: (result: CaseResult) => number) =>
  all.reduce((total, each) => total + of(each), 0);

function answersOf(record: ServerRecord): string {
  const rows = (Object.keys(questions) as Question[]).flatMap((question) => {
    const answer = record.answers[question];
    return answer ? [answerRow(question, answer)] : [];
  });
  const notes = [
    `${packageOf(record)}.`,
    record.called,
    record.note,
    record.hasSessions ? undefined : 'It gives its sessions no ids; it is asked with one that nobody gave.',
  ];
  return `### ${record.name}

${notes.filter(Boolean).join(' ')}

| asked | status | content type | body | verdict |
| --- | --- | --- | --- | --- |
${rows.join('\n')}`;
}

function answerRow(question: Question, answer: RecordedAnswer): string {
  const { body, isOpen, sessionId } = answer;
  const shown = body.length > SHOWN_BODY ? `${body.slice(0, SHOWN_BODY)}…` : body;
  const extra = [
    isOpen ? 'stays open' : '',
    sessionId === 'another' ? 'names another session in its header' : '',
    body.length > SHOWN_BODY ? `${body.length} characters` : '',
  ].filter(Boolean);
  const words = [
    shown ? `\`${inCode(shown)}\`` : isOpen ? '' : 'empty',
    extra.length > 0 ? `(${extra.join('; ')})` : '',
  ];
  const cells = [
    questions[question].words,
    String(answer.status),
    answer.contentType ? `\`${answer.contentType}\`` : 'none',
    words.filter(Boolean).join(' '),
    answer.verdict,
  ];
  return `| ${cells.join(' | ')} |`;
}

const packageOf = ({ package: packageName, version, language }: ServerRecord | ClientRecord) =>
  `\`${packageName}\` ${version}, ${language}`;

/** Text that stays within a cell of a table. */
const inCell = (text: string) => text.replaceAll('|', '\\|').replace(/\s+/g, ' ').slice(0, 160);

/** Text that stays within `code` within a cell of a table; ends of lines are shown as such. */
const inCode = (text: string) =>
  text.replaceAll('`', 'ˋ').replaceAll('|', '\\|').replaceAll('\r', '\\r').replaceAll('\n', '\\n');
