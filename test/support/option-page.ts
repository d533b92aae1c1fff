import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** A file of the repository. */
export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** The options of an interface, each with the default that its comment names. */
export function optionsIn(path: string): Map<string, string | undefined> {
  const options = new Map<string, string | undefined>();
  for (const [, comment = '', name = ''] of read(path).matchAll(
    /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s+readonly (\w+)\?:/g,
  )) {
    const words = comment.replaceAll(/\s*\n\s*\* ?/g, ' ');
    options.set(name, /Default:? (.+?)\.(?:\s|$)/.exec(words)?.[1]);
  }
  return options;
}

/** The rows of a page's tables of options: each name with the default in its last column. */
export function rowsOf(page: string): Map<string, string> {
  return new Map(
    [...page.matchAll(/^\| (`.+?`) \| .+ \|(?: (.*))? \|$/gm)].flatMap(([, names = '', value = '']) =>
      names.split(', ').map((name): [string, string] => [name.replaceAll('`', ''), value]),
    ),
  );
}
