/** Leading the entry of a server through `attach` where it stands: same file, name, variables and folder. */
import { applyEdits, type Edit, getNodeValue, type Node } from 'jsonc-parser';
import { isSameData } from '../../../base/same-data.ts';
import { nameFault } from '../../server-name.ts';
import { hasVariables } from '../../variables.ts';
import type { ConfigFormat, RawEntry } from '../config-format.ts';
import type { ImportedEntry } from '../found-server.ts';
import { extractSecrets } from '../literal-secrets.ts';
import { entryOf, leftOutOf } from '../read-servers.ts';
import { type EntryPath, objectAt, propertyOf, textOf, type WrapRecord } from './place.ts';
import { unwrap } from './unwrap.ts';
import {
  behindAttach,
  type OwnProgram,
  type WrittenAddress,
  wordsBeforeCommand,
  wordsForAddress,
} from './words.ts';

/** The file as it is to be, or why not, as a sentence that follows the name of the server. */
export type Wrapped = { readonly text: string; readonly record: WrapRecord } | { readonly fault: string };

type Address = Extract<ImportedEntry, { url: string }>;

/** The variable that holds an address which is not to stand among the arguments. */
const URL_VARIABLE = 'RESILIENT_MCP_URL';
const HEADER_VARIABLE = 'RESILIENT_MCP_HEADER_';

/** Whether an entry, as it stands in a file, is led through `attach`. */
export function isWrapped(raw: RawEntry): boolean {
  return behindAttach(raw.command, raw.args) !== undefined;
}

/** Wraps the entry at a path. Everything else of the text stays as it is, and within the entry comments do. */
export function wrap(text: string, path: EntryPath, format: ConfigFormat, program: OwnProgram): Wrapped {
  const found = objectAt(text, path);
  if ('fault' in found) return { fault: `cannot be reached: the file ${found.fault}` };
  const { node } = found;
  const raw = getNodeValue(node) as RawEntry;
  const name = path.at(-1) ?? '';
  const fault = nameFault(name) ?? (isWrapped(raw) ? 'is led through attach already.' : undefined);
  if (fault !== undefined) return { fault };
  const entry = entryOf(raw, format);
  if (typeof entry === 'string') return { fault: entry };
  const edits =
    entry.type === 'stdio'
      ? editsOfCommand(text, node, wordsBeforeCommand(program, name), program)
      : editsOfAddress({ text, node, raw, entry, format, program, name });
  if (typeof edits === 'string') return { fault: edits };
  const changed = applyEdits(text, edits);
  const after = objectAt(changed, path);
  const wrapped = 'node' in after ? textOf(changed, after.node) : '';
  const record = { path, original: textOf(text, node), wrapped };
  // The file is not ours: better not to touch it than to leave it broken.
  return isIntact(text, changed, record, format)
    ? { text: changed, record }
    : { fault: 'cannot be changed safely.' };
}

function editsOfCommand(text: string, node: Node, words: readonly string[], program: OwnProgram): Edit[] {
  const command = propertyOf(node, 'command');
  const args = propertyOf(node, 'args');
  if (!command) return [];
  const all = [...words.map((word) => JSON.stringify(word)), textOf(text, command.value)];
  const first = inPlaceOf(command.value, JSON.stringify(program.command));
  if (args?.value.type !== 'array') {
    const list = `[${all.join(', ')}]`;
    if (args) return [first, inPlaceOf(args.value, list)];
    return [first, addition(text, node, command, `"args": ${list}`)];
  }
  const start = args.value.offset + 1;
  const gap = /^\s*/.exec(text.slice(start))?.[0] ?? '';
  const separator = args.value.children?.length ? `,${gap === '' ? ' ' : gap}` : '';
  const between = `,${gap.includes('\n') ? gap : ' '}`;
  const lead = separator === '' ? '' : gap;
  return [
    first,
    {
      offset: start,
      length: separator === '' ? 0 : gap.length,
      content: lead + all.join(between) + separator,
    },
  ];
}

interface ToLead {
  readonly text: string;
  readonly node: Node;
  readonly raw: RawEntry;
  readonly entry: Address;
  readonly format: ConfigFormat;
  readonly program: OwnProgram;
  readonly name: string;
}

function editsOfAddress({ text, node, raw, entry, format, program, name }: ToLead): Edit[] | string {
  const [url, second] = format.urlKeys.flatMap((key) => propertyOf(node, key) ?? []);
  const useless = leftOutOf(raw, entry, format);
  if (useless.length > 0) return `holds what only its client understands: ${useless.join(', ')}.`;
  if (!url || second) return 'names two addresses.';
  const headers = headersIn(node);
  const isHidden =
    hasVariables(entry.url) || extractSecrets({ type: 'http', url: entry.url }, () => '').secrets.length > 0;
  if (!isHidden && !/^https?:\/\//i.test(entry.url))
    return 'has an address that is neither http:// nor https://.';
  const address: WrittenAddress = {
    url: isHidden ? { variable: URL_VARIABLE } : String(url.value.value),
    headers: headers.map(({ header, variable }) => [header, variable]),
    sse: entry.type === 'sse',
  };
  const list = wordsForAddress(program, name, address).map((word) => JSON.stringify(word));
  const hidden = isHidden ? `${JSON.stringify(URL_VARIABLE)}: ${textOf(text, url.value)}` : undefined;
  return [
    inPlaceOf(url.key, '"command"'),
    inPlaceOf(url.value, JSON.stringify(program.command)),
    ...variablesInstead(text, node, headers, { after: url, args: `"args": [${list.join(', ')}]`, hidden }),
    ...typeInstead(node),
  ];
}

interface HeaderPlace {
  readonly header: string;
  readonly key: Node;
  readonly variable: string;
}

/** The headers of an entry, each with the variable for its value. */
function headersIn(node: Node): HeaderPlace[] {
  const taken = new Set<string>();
  return (propertyOf(node, 'headers')?.value.children ?? []).flatMap(({ children: [key] = [] }) => {
    if (!key) return [];
    const header = String(key.value);
    const plain = HEADER_VARIABLE + header.toUpperCase().replace(/[^A-Z0-9]/g, '_');
    let variable = plain;
    for (let n = 2; taken.has(variable); n++) variable = `${plain}_${n}`;
    taken.add(variable);
    return [{ header, key, variable }];
  });
}

interface Additions {
  readonly after: { readonly key: Node; readonly value: Node };
  readonly args: string;
  /** A variable beside those of the headers. */
  readonly hidden: string | undefined;
}

/** `headers` become `env`, value by value as they are; without headers `env` is made where it is needed. */
function variablesInstead(
  text: string,
  node: Node,
  places: readonly HeaderPlace[],
  { after, args, hidden }: Additions,
): Edit[] {
  const headers = propertyOf(node, 'headers');
  if (headers?.value.type !== 'object') {
    const emptied = headers
      ? [inPlaceOf(headers.key, '"env"'), inPlaceOf(headers.value, `{${hidden ?? ''}}`)]
      : [];
    const env = hidden !== undefined && !headers ? [`"env": {${hidden}}`] : [];
    return [addition(text, node, after, [args, ...env].join(', ')), ...emptied];
  }
  const start = headers.value.offset + 1;
  const comma = headers.value.children?.length ? ', ' : '';
  return [
    addition(text, node, after, args),
    inPlaceOf(headers.key, '"env"'),
    ...(hidden === undefined ? [] : [{ offset: start, length: 0, content: hidden + comma }]),
    ...places.map(({ key, variable }) => inPlaceOf(key, JSON.stringify(variable))),
  ];
}

function typeInstead(node: Node): Edit[] {
  return ['type', 'transport', 'transportType'].flatMap((key) => {
    const property = propertyOf(node, key);
    return property?.value.type === 'string' ? [inPlaceOf(property.value, '"stdio"')] : [];
  });
}

function inPlaceOf({ offset, length }: Node, content: string): Edit {
  return { offset, length, content };
}

/** A further property after another one; on a line of its own, if that stands on one. */
function addition(
  text: string,
  node: Node,
  after: { readonly key: Node; readonly value: Node },
  content: string,
): Edit {
  const before = text.slice(node.offset, after.key.offset);
  const gap = /\r?\n[ \t]*$/.exec(before)?.[0] ?? ' ';
  return { offset: after.value.offset + after.value.length, length: 0, content: `,${gap}${content}` };
}

/** Whether the way back leads to the same text, and without the record to the same server. */
function isIntact(text: string, changed: string, record: WrapRecord, format: ConfigFormat): boolean {
  const back = unwrap(changed, record.path, format, record);
  const bare = unwrap(changed, record.path, format);
  if ('fault' in back || back.text !== text || 'fault' in bare) return false;
  const [one, other] = [text, bare.text].map((each) => {
    const found = objectAt(each, record.path);
    return 'node' in found ? withoutEmpty(entryOf(getNodeValue(found.node) as RawEntry, format)) : undefined;
  });
  return one !== undefined && isSameData(one, other);
}

/** An empty list of arguments or headers means what none means. */
function withoutEmpty(entry: ImportedEntry | string): unknown {
  if (typeof entry === 'string') return entry;
  const parts = Object.entries(entry);
  return Object.fromEntries(
    parts.filter(([key, value]) => !['args', 'headers'].includes(key) || Object.keys(value).length > 0),
  );
}
