// Runs what this project promises against servers that nobody here wrote, each installed by its own package client into
// the user's cache and started as a process on loopback. test/interop/README.md tells how to add one.
//
//   npm run test:interop                          all servers
//   npm run test:interop -- --only fastmcp        one of them; may be given several times
//   npm run test:interop -- --language python     those in one language
//   npm run test:interop -- --page                records what it saw, and writes docs/interop.md anew
//   npm run test:interop -- --list                names them
//
// Each counts as three: its answers, and its two ways. The last line is `N passed, N failed, N skipped`; what is skipped
// lacks a program on this machine, which is named.
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installed, missingProgram } from './install.ts';
import { pageOf } from './page.ts';
import {
  type CaseResult,
  cases,
  readRecords,
  type ServerRecord,
  type WayName,
  writeRecord,
} from './record.ts';
import { askServer, visitServer } from './scenario.ts';
import { countingTool, type InteropServer, languages } from './server.ts';
import { servers } from './servers/index.ts';

/** What one server counts for: its answers, and each way to it. */
const PARTS = 3;

const figures = { passed: 0, failed: 0, skipped: 0 };

async function tryServer(server: InteropServer): Promise<ServerRecord | undefined> {
  console.log(`\n${server.name}: ${server.package} ${server.version}`);
  const missing = missingProgram(server.needs);
  if (missing !== undefined) {
    console.log(`  skipped: there is no ${missing} on this machine`);
    figures.skipped += PARTS;
    return undefined;
  }
  try {
    const folder = await installed(
      join(server.language, `${server.name}-${server.version}`),
      server.installation,
    );
    const asked = await askServer(server, folder);
    console.log(`  answers ${answersInShort(asked)}`);
    figures.passed++;
    const transport = await visited(server, folder, 'transport');
    const gateway = await visited(server, folder, 'gateway');
    return { ...headOf(server), ...asked, ways: { transport, gateway } };
  } catch (error) {
    console.log(`  failed: ${error instanceof Error ? error.message : String(error)}`);
    figures.failed += PARTS;
    return undefined;
  }
}

async function visited(
  server: InteropServer,
  folder: string,
  way: WayName,
): Promise<ServerRecord['ways'][WayName]> {
  const results = await visitServer(server, folder, way);
  for (const [name, result] of Object.entries(results)) {
    console.log(`  ${way.padEnd(9)} ${cases[name as keyof typeof cases].padEnd(55)} ${inWords(result)}`);
  }
  figures[Object.values(results).some(({ outcome }) => outcome === 'failed') ? 'failed' : 'passed']++;
  return results;
}

function headOf({ name, language, package: packageName, version, note, tool = countingTool }: InteropServer) {
  const counted =
    tool === countingTool ? 'its runs counted by a file that it writes' : 'counted in front of the server';
  return {
    ...{ name, language, package: packageName, version },
    ...(note !== undefined && { note }),
    date: new Date().toISOString().slice(0, 10),
    called: `Called: \`${tool.name}\`, ${counted}.`,
  };
}

function answersInShort({ answers }: Pick<ServerRecord, 'answers'>): string {
  return Object.entries(answers)
    .map(([question, { status, verdict }]) => `${question} ${status} ${verdict}`)
    .join(', ');
}

function inWords({ outcome, calls, lost, twice, backMs, generation, detail }: CaseResult): string {
  if (outcome === 'not offered') return `– ${detail}`;
  const back = backMs === undefined ? '' : `, back after ${backMs} ms`;
  const said = detail ? `: ${detail}` : '';
  return `${outcome}, ${calls} calls, ${lost} lost, ${twice} twice, session ${generation}${back}${said}`;
}

function chosenServers(): { chosen: readonly InteropServer[]; writesPage: boolean } | string {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      language: { type: 'string' },
      page: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  });
  const { only, language, page, list } = values;
  if (list) return servers.map(({ name, language: spoken }) => `${spoken.padEnd(12)}${name}`).join('\n');
  const unknown = only?.find((name) => !servers.some((server) => server.name === name));
  if (unknown !== undefined) return `there is no server ${unknown}; --list names them`;
  if (language !== undefined && !languages.some((each) => each === language)) {
    return `--language is one of ${languages.join(', ')}; not "${language}"`;
  }
  const chosen = servers.filter(
    (server) =>
      (only === undefined || only.includes(server.name)) &&
      (language === undefined || language === server.language),
  );
  return { chosen, writesPage: page };
}

const choice = chosenServers();
if (typeof choice === 'string') {
  console.log(choice);
  process.exit(process.argv.includes('--list') ? 0 : 2);
}
const startedAt = performance.now();
for (const server of choice.chosen) {
  const record = await tryServer(server);
  if (choice.writesPage && record) writeRecord(record);
}
if (choice.writesPage) {
  writeFileSync(join(import.meta.dirname, '../../docs/interop.md'), pageOf(readRecords()));
}
console.log(`\n${choice.chosen.length} servers, ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
if (process.env.TEST_FIGURES) appendFileSync(process.env.TEST_FIGURES, `${JSON.stringify(figures)}\n`);
if (figures.failed > 0 || figures.passed + figures.skipped === 0) process.exitCode = 1;
const skipped = figures.skipped > 0 ? `, ${figures.skipped} skipped` : '';
console.log(`\n${figures.passed} passed, ${figures.failed} failed${skipped}`);
