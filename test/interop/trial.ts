import { join } from 'node:path';
import type { InteropClient } from './client.ts';
import { clientArrangements, upstreamName } from './client-scenario.ts';
import { installed } from './install.ts';
import {
  type Arrangement,
  type CaseName,
  type CaseResult,
  type ClientRecord,
  cases,
  type ServerRecord,
  type WayName,
} from './record.ts';
import { askServer, visitServer } from './scenario.ts';
import { countingTool, type InteropServer } from './server.ts';

/** What a run has counted. */
export interface Figures {
  passed: number;
  failed: number;
  skipped: number;
}

/** What one server counts for: its answers, and each way to it. */
export const SERVER_PARTS = 3;
/** What one client counts for: through the gateway, and on a server under the companion. */
export const CLIENT_PARTS = 2;

/** Installs a server, and runs everything with it. Undefined when it could not be run; that has failed. */
export async function tryServer(server: InteropServer, figures: Figures): Promise<ServerRecord | undefined> {
  try {
    const folder = await installedFolder(server);
    const asked = await askServer(server, folder);
    console.log(`  answers ${answersInShort(asked)}`);
    figures.passed++;
    const transport = await visited(server, folder, 'transport', figures);
    const gateway = await visited(server, folder, 'gateway', figures);
    return { ...headOf(server), ...asked, ways: { transport, gateway } };
  } catch (error) {
    figures.failed += SERVER_PARTS;
    return tellFailure(error);
  }
}

/** The same for a client of another language, whose server is installed as well. */
export async function tryClient(client: InteropClient, figures: Figures): Promise<ClientRecord | undefined> {
  try {
    const cast = {
      client,
      folder: await installedFolder(client),
      upstreamFolder: await installedFolder(client.upstream),
    };
    const results: Partial<Record<Arrangement, ClientRecord['results'][Arrangement]>> = {};
    for (const name of ['alone', 'companion', 'gateway'] as const) {
      const found = await clientArrangements[name](cast);
      tell(name, found);
      results[name] = found;
      if (name !== 'alone') count(found, figures);
    }
    const { name, language, package: packageName, version, upstream } = client;
    const head = { name, language, package: packageName, version, date: today() };
    return { ...head, upstream: upstreamName(upstream), results: results as ClientRecord['results'] };
  } catch (error) {
    figures.failed += CLIENT_PARTS;
    return tellFailure(error);
  }
}

const installedFolder = ({ name, language, version, installation }: InteropServer | InteropClient) =>
  installed(join(language, `${name}-${version}`), installation);

async function visited(
  server: InteropServer,
  folder: string,
  way: WayName,
  figures: Figures,
): Promise<ServerRecord['ways'][WayName]> {
  const results = await visitServer(server, folder, way);
  tell(way, results);
  count(results, figures);
  return results;
}

type Results = Readonly<Partial<Record<CaseName, CaseResult>>>;

function count(results: Results, figures: Figures): void {
  figures[Object.values(results).some(({ outcome }) => outcome === 'failed') ? 'failed' : 'passed']++;
}

function tell(how: string, results: Results): void {
  for (const [name, result] of Object.entries(results)) {
    console.log(`  ${how.padEnd(9)} ${cases[name as CaseName].padEnd(55)} ${inWords(result)}`);
  }
}

function tellFailure(error: unknown): undefined {
  console.log(`  failed: ${error instanceof Error ? error.message : String(error)}`);
}

function headOf({ name, language, package: packageName, version, note, tool = countingTool }: InteropServer) {
  const counted =
    tool === countingTool ? 'its runs counted by a file that it writes' : 'counted in front of the server';
  return {
    ...{ name, language, package: packageName, version },
    ...(note !== undefined && { note }),
    date: today(),
    called: `Called: \`${tool.name}\`, ${counted}.`,
  };
}

const today = () => new Date().toISOString().slice(0, 10);

function answersInShort({ answers }: Pick<ServerRecord, 'answers'>): string {
  return Object.entries(answers)
    .map(([question, { status, verdict }]) => `${question} ${status} ${verdict}`)
    .join(', ');
}

function inWords({ outcome, calls, lost, twice, backMs, generation, detail }: CaseResult): string {
  if (outcome === 'not offered') return `– ${detail}`;
  const session = generation === undefined ? '' : `, session ${generation}`;
  const back = backMs === undefined ? '' : `, back after ${backMs} ms`;
  const said = detail ? `: ${detail}` : '';
  return `${outcome}, ${calls} calls, ${lost} lost, ${twice} twice${session}${back}${said}`;
}
