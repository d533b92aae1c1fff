import { relative } from 'node:path';
import { printable } from '../../base/printable.ts';
import type { FoundServer } from '../../config/import/found-server.ts';
import { extractSecrets } from '../../config/import/literal-secrets.ts';
import type { WrapRecord } from '../../config/import/wrap/place.ts';
import type { ClientEntry } from './client-files.ts';

/** Entries of more lines than this are shown as taken out and put in whole. */
const MAX_LINES = 400;

/** What there is, a row for each server. */
export function table(entries: readonly ClientEntry[]): string {
  const rows = entries.map((entry) => [fileWords(entry), entry.name, stateOf(entry)]);
  const all = [['FILE', 'SERVER', 'STATE'], ...rows];
  const [first, second] = [0, 1].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const lines = all.map(
    ([file = '', name = '', state = '']) =>
      `${file.padEnd(first ?? 0)}  ${name.padEnd(second ?? 0)}  ${state}`,
  );
  return lines.map((line) => printable(line)).join('\n');
}

export function stateOf({ isProtected, server, fault }: ClientEntry): string {
  if (isProtected) return 'protected';
  if (fault !== undefined) return `cannot be protected: ${fault}`;
  return server?.enabled === false ? 'not protected, disabled in its client' : 'not protected';
}

export function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') || short === '' ? path : short;
}

/** The lines of an entry before and after, without its secrets. */
export function difference({ path, original, wrapped }: WrapRecord, server: FoundServer | undefined): string {
  const hide = withoutSecretsOf(server);
  const [before, after] = [original, wrapped].map((text) => text.split(/\r?\n/));
  const lines = changedLines(before ?? [], after ?? []).map(([sign, line]) =>
    printable(`${sign} ${hide(line)}`),
  );
  return [`@@ ${printable(path.join(' › '))}`, ...lines].join('\n');
}

/** Where literal secrets stand in an entry. */
export function secretPlaces(server: FoundServer): string[] {
  return extractSecrets(server.entry, () => '').secrets.map(({ place }) => place);
}

function fileWords({ file, project }: ClientEntry): string {
  const where = shownPath(file.path);
  return project === undefined ? where : `${where} (${project})`;
}

function withoutSecretsOf(server: FoundServer | undefined): (line: string) => string {
  const secrets = server ? extractSecrets(server.entry, () => '').secrets.map(({ value }) => value) : [];
  const written = secrets.map((value) => JSON.stringify(value).slice(1, -1));
  return (line) =>
    written
      .sort((a, b) => b.length - a.length)
      .reduce((text, secret) => text.replaceAll(secret, '***'), line);
}

type Line = readonly [sign: ' ' | '-' | '+', line: string];

/** The shortest way from one list of lines to another. */
function changedLines(before: readonly string[], after: readonly string[]): Line[] {
  const removed = before.map((line): Line => ['-', line]);
  const added = after.map((line): Line => ['+', line]);
  if (before.length > MAX_LINES || after.length > MAX_LINES) return [...removed, ...added];
  // common[i][j]: how many lines the rests from i and from j have in common.
  const common = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0));
  const at = (i: number, j: number) => common[i]?.[j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const row = common[i] ?? [];
      row[j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: Line[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && before[i] === after[j]) {
      lines.push([' ', before[i++] ?? '']);
      j++;
    } else if (j >= after.length || (i < before.length && at(i + 1, j) >= at(i, j + 1))) {
      lines.push(['-', before[i++] ?? '']);
    } else {
      lines.push(['+', after[j++] ?? '']);
    }
  }
  return lines;
}
