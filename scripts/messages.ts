import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';

/** Texts by the key under which the editor looks them up: a message of the sources, or a `%key%` of package.json. */
export type Bundle = Readonly<Record<string, string>>;

/** Where messages for a person are written. What comes from below the edge (errors, evidence, reports) is in English. */
const SOURCES = ['src/extension.ts', 'src/vscode/**/*.ts'];

/** Every message of the sources as the bundle for translators, sorted. Throws when one can't be read off the source. */
export function sourceMessages(root: string): Bundle {
  const found = globSync(SOURCES, { cwd: root }).flatMap((path) =>
    messagesOf(path, readFileSync(join(root, path), 'utf8')),
  );
  return Object.fromEntries([...new Set(found)].sort().map((message) => [message, message]));
}

/**
 * The messages of one file: the first argument of every call of `t`, by itself or as a member, such as `l10n.t`. Throws
 * with the place when that argument is no plain text: the editor looks a message up by its text in the source.
 */
export function messagesOf(path: string, text: string): string[] {
  const { program, errors } = parseSync(path, text);
  if (errors[0]) throw new Error(`${path}: ${errors[0].message}`);
  const messages: string[] = [];
  new Visitor({
    CallExpression({ callee, arguments: [message], start }) {
      if (!isTranslation(callee)) return;
      const plain = message && plainText(message);
      if (plain === undefined) {
        const line = text.slice(0, start).split('\n').length;
        throw new Error(`${path}:${line}: the message of t() has to be one plain text`);
      }
      messages.push(plain);
    },
  }).visit(program);
  return messages;
}

interface Node {
  readonly type: string;
}

function isTranslation(callee: Node): boolean {
  const named = callee.type === 'MemberExpression' ? Reflect.get(callee, 'property') : callee;
  return ['Identifier', 'PrivateIdentifier'].includes(named.type) && named.name === 't';
}

function plainText(node: Node): string | undefined {
  if (node.type === 'Literal') {
    const value: unknown = Reflect.get(node, 'value');
    return typeof value === 'string' ? value : undefined;
  }
  if (node.type !== 'TemplateLiteral') return undefined;
  const quasis: { value: { cooked: string } }[] = Reflect.get(node, 'quasis');
  return quasis.length === 1 ? quasis[0]?.value.cooked : undefined;
}

/** What is wrong with a translation of `texts`, as lines for a person. */
export function translationProblems(texts: Bundle, translated: Bundle): string[] {
  const known = Object.entries(texts).flatMap(([key, text]) => {
    const translation = translated[key];
    if (translation === undefined) return [`not translated: ${JSON.stringify(key)}: ${JSON.stringify(text)}`];
    const [wanted, given] = [marksOf(text), marksOf(translation)];
    return wanted === given
      ? []
      : [`${JSON.stringify(key)} holds other marks: ${given || 'none'} in place of ${wanted || 'none'}`];
  });
  const stale = Object.keys(translated).filter((key) => !Object.hasOwn(texts, key));
  return [...known, ...stale.map((key) => `no message any more: ${JSON.stringify(key)}`)];
}

/** What has to be the same in every language: the places of values, code, icons, and where links lead. */
function marksOf(text: string): string {
  const marks = text.match(/\{\d+\}|`[^`]+`|\$\([\w~-]+\)|\]\([^)]+\)/g) ?? [];
  return [...new Set(marks)].sort().join(' ');
}

/** The texts of the manifest and the messages of the sources, each with the file it stands in and its translations. */
export function translations(root: string): { file: string; texts: Bundle; translated: string[] }[] {
  const others = (pattern: string) => globSync(pattern, { cwd: root }).sort();
  return [
    {
      file: 'package.nls.json',
      texts: readBundle(root, 'package.nls.json'),
      translated: others('package.nls.*.json'),
    },
    {
      file: 'l10n/bundle.l10n.json',
      texts: sourceMessages(root),
      translated: others('l10n/bundle.l10n.*.json'),
    },
  ];
}

/** A file of texts; one that is not there yet has none. */
export function readBundle(root: string, file: string): Bundle {
  return globSync(file, { cwd: root }).length === 0 ? {} : JSON.parse(readFileSync(join(root, file), 'utf8'));
}
