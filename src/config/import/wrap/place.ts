import type { Node } from 'jsonc-parser';
import { readJson } from '../json-text.ts';

/** Where the entry of a server stands in its file: the keys that lead to it, its name the last. */
export type EntryPath = readonly string[];

/** What was changed, for the way back. It holds what the entry holds, secrets too: keep it where only the user reads. */
export interface WrapRecord {
  readonly path: EntryPath;
  /** The text of the entry before, and after. */
  readonly original: string;
  readonly wrapped: string;
}

/** A value in a text, or why it can't be reached, as a sentence that follows the name of the file. */
export type Found = { readonly node: Node } | { readonly fault: string };

/** The value at a path of keys. One that stands twice is a fault: clients differ in which of them they take. */
export function objectAt(text: string, path: EntryPath): Found {
  const json = readJson(text);
  if ('fault' in json) return json;
  let node = json.root;
  for (const key of path) {
    const [value, second] = valuesOf(node, key);
    if (second) return { fault: `holds ${JSON.stringify(key)} twice.` };
    if (!value) return { fault: `does not hold ${JSON.stringify(key)}.` };
    node = value;
  }
  return node?.type === 'object'
    ? { node }
    : { fault: `holds a ${JSON.stringify(path.at(-1) ?? '')} that is no object.` };
}

/** The property of an object, key and value. */
export function propertyOf(
  node: Node,
  key: string,
): { readonly key: Node; readonly value: Node } | undefined {
  const property = node.children?.find(({ children }) => children?.[0]?.value === key);
  const [name, value] = property?.children ?? [];
  return name && value && { key: name, value };
}

export function textOf(text: string, { offset, length }: Pick<Node, 'offset' | 'length'>): string {
  return text.slice(offset, offset + length);
}

function valuesOf(node: Node | undefined, key: string): Node[] {
  const properties = node?.type === 'object' ? (node.children ?? []) : [];
  return properties.flatMap(({ children }) =>
    children?.[0]?.value === key && children[1] ? [children[1]] : [],
  );
}
