import { applyEdits, getNodeValue, modify, type Node, parseTree } from 'jsonc-parser';
import { isSameData } from '../../../base/same-data.ts';
import type { ConfigFormat, RawEntry } from '../config-format.ts';
import { withValue } from '../json-edit.ts';
import { JSONC } from '../json-text.ts';
import { type EntryPath, objectAt, propertyOf, textOf, type WrapRecord } from './place.ts';
import { type Behind, behindAttach } from './words.ts';

/** The file as it is to be, or why not, as a sentence that follows the name of the server. */
export type Unwrapped = { readonly text: string } | { readonly fault: string };

/**
 * Takes `attach` out of the entry at a path again. With its record the text of the entry is the original one, to the byte; where
 * the entry was changed since, and without a record, the words in front are removed, and what was changed stays.
 */
export function unwrap(text: string, path: EntryPath, format: ConfigFormat, record?: WrapRecord): Unwrapped {
  const found = objectAt(text, path);
  if ('fault' in found) return { fault: `cannot be reached: the file ${found.fault}` };
  const { node } = found;
  if (record && isAsWritten(text, node, record)) return { text: replaced(text, node, record.original) };
  const raw = getNodeValue(node) as RawEntry;
  const behind = behindAttach(raw.command, raw.args);
  if (!behind) return { fault: 'is not led through attach.' };
  const bare = withoutAttach(textOf(text, node), behind, format);
  return bare === undefined
    ? { fault: 'names no command after attach.' }
    : { text: replaced(text, node, bare) };
}

/** A client may have written the whole file anew, in its own manner. */
function isAsWritten(text: string, node: Node, { wrapped }: WrapRecord): boolean {
  if (textOf(text, node) === wrapped) return true;
  const written = parseTree(wrapped, [], JSONC);
  return written !== undefined && isSameData(getNodeValue(written), getNodeValue(node));
}

/** @param entry the text of the entry alone */
function withoutAttach(entry: string, behind: Behind, format: ConfigFormat): string | undefined {
  return behind.kind === 'command' ? commandAlone(entry, behind.index) : addressAlone(entry, behind, format);
}

function commandAlone(entry: string, index: number): string | undefined {
  const root = parseTree(entry, [], JSONC);
  const [command, args] = [root && propertyOf(root, 'command'), root && propertyOf(root, 'args')];
  const words = args?.value.children ?? [];
  const [first, own, next] = [words[0], words[index], words[index + 1]];
  if (!command || !first || !own) return undefined;
  const end = next ? next.offset : own.offset + own.length;
  return applyEdits(entry, [
    { offset: command.value.offset, length: command.value.length, content: textOf(entry, own) },
    { offset: first.offset, length: end - first.offset, content: '' },
  ]);
}

type AddressBehind = Extract<Behind, { kind: 'address' }>;

function addressAlone(
  entry: string,
  { url, headers, sse }: AddressBehind,
  format: ConfigFormat,
): string | undefined {
  const raw = getNodeValue(parseTree(entry, [], JSONC) as Node) as RawEntry;
  const env = { ...(raw.env as Readonly<Record<string, unknown>> | undefined) };
  const address = typeof url === 'string' ? url : env[url.variable];
  if (typeof address !== 'string') return undefined;
  const given = headers.map(([header, variable]) => [header, env[variable]]);
  const named = ['type', 'transport', 'transportType'].filter((key) => key in raw);
  const type = sse ? 'sse' : format.httpType;
  let text = entry;
  const set = (key: string, value: unknown) => {
    text =
      value === undefined
        ? applyEdits(text, modify(text, [key], undefined, {}))
        : withValue(text, [key], value);
  };
  set('command', undefined);
  set('args', undefined);
  if (raw.env !== undefined) set('env', undefined);
  set(format.urlKeys[0] ?? 'url', address);
  if (given.length > 0) set('headers', Object.fromEntries(given));
  for (const key of named) set(key, type);
  return text;
}

function replaced(text: string, { offset, length }: Node, content: string): string {
  return text.slice(0, offset) + content + text.slice(offset + length);
}
