// Runs what this project promises against servers and clients that nobody here wrote, each installed by its own package
// client into the user's cache and started as a process on loopback. test/interop/README.md tells how to add one.
//
//   npm run test:interop                               all of them
//   npm run test:interop -- --only fastmcp-python      one of them; may be given several times
//   npm run test:interop -- --language python          those in one language
//   npm run test:interop -- --page                     records what it saw, and writes docs/interop.md anew
//   npm run test:interop -- --list                     names them
//
// A server counts as three: its answers, and the two ways to it; a client as two: through the gateway, and on a server
// under the companion. The last line is `N passed, N failed, N skipped`; what is skipped lacks a program on this machine,
// which is named.
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { InteropClient } from './client.ts';
import { clients } from './clients/index.ts';
import { missingProgram } from './install.ts';
import { pageOf } from './page.ts';
import { readClientRecords, readRecords, writeClientRecord, writeRecord } from './record.ts';
import { type InteropServer, languages } from './server.ts';
import { servers } from './servers/index.ts';
import { CLIENT_PARTS, type Figures, SERVER_PARTS, tryClient, tryServer } from './trial.ts';

interface Choice {
  readonly servers: readonly InteropServer[];
  readonly clients: readonly InteropClient[];
  readonly writesPage: boolean;
}

/** What was asked for; or words, when there is nothing to run. */
function choose(): Choice | { readonly words: string; readonly code: number } {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      language: { type: 'string' },
      page: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  });
  const { only, language, page, list } = values;
  const all = [...servers, ...clients];
  if (list)
    return { words: all.map((each) => `${each.language.padEnd(12)}${each.name}`).join('\n'), code: 0 };
  const unknown = only?.find((name) => !all.some((each) => each.name === name));
  if (unknown !== undefined) return { words: `there is no ${unknown}; --list names them`, code: 2 };
  if (language !== undefined && !languages.some((each) => each === language)) {
    return { words: `--language is one of ${languages.join(', ')}; not "${language}"`, code: 2 };
  }
  const isChosen = (each: InteropServer | InteropClient) =>
    (only === undefined || only.includes(each.name)) &&
    (language === undefined || language === each.language);
  return { servers: servers.filter(isChosen), clients: clients.filter(isChosen), writesPage: page };
}

/** Whether all that it needs is on this machine; if not, it is counted as skipped, by the name of what is missing. */
function canRun({ name, version, needs, ...each }: InteropServer | InteropClient, parts: number): boolean {
  console.log(`\n${name}: ${each.package} ${version}`);
  const missing = missingProgram(needs);
  if (missing === undefined) return true;
  console.log(`  skipped: there is no ${missing} on this machine`);
  figures.skipped += parts;
  return false;
}

const choice = choose();
if ('words' in choice) {
  console.log(choice.words);
  process.exit(choice.code);
}
const figures: Figures = { passed: 0, failed: 0, skipped: 0 };
const startedAt = performance.now();
for (const server of choice.servers) {
  const record = canRun(server, SERVER_PARTS) ? await tryServer(server, figures) : undefined;
  if (choice.writesPage && record) writeRecord(record);
}
for (const client of choice.clients) {
  const record = canRun(client, CLIENT_PARTS) ? await tryClient(client, figures) : undefined;
  if (choice.writesPage && record) writeClientRecord(record);
}
if (choice.writesPage) {
  writeFileSync(
    join(import.meta.dirname, '../../docs/interop.md'),
    pageOf(readRecords(), readClientRecords()),
  );
}
const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
console.log(`\n${choice.servers.length} servers, ${choice.clients.length} clients, ${seconds} s`);
if (process.env.TEST_FIGURES) appendFileSync(process.env.TEST_FIGURES, `${JSON.stringify(figures)}\n`);
if (figures.failed > 0 || figures.passed + figures.skipped === 0) process.exitCode = 1;
const skipped = figures.skipped > 0 ? `, ${figures.skipped} skipped` : '';
console.log(`\n${figures.passed} passed, ${figures.failed} failed${skipped}`);
