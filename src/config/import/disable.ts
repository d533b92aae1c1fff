/** Switching a server off in the file of its client, in the way of that client, so that a person can bring it back. */
import { applyEdits, getNodeValue, modify, type Node } from 'jsonc-parser';
import { commentedOut } from './comment-out.ts';
import type { ConfigFormat } from './config-format.ts';
import { nodeAt, withValue } from './json-edit.ts';
import { readJson } from './json-text.ts';

/** The new text of the file, or the reason for failure, as a sentence that follows the name of the file. */
export type Disabled = { readonly text: string } | { readonly fault: string };

/**
 * Switches a server off.
 *
 * @param text the file of the server; for the way `list` that other file, empty when there is none.
 * @param note what is written above an entry that is commented out, one line.
 */
export function disable(text: string, name: string, format: ConfigFormat, note: string): Disabled {
  const { disabling, serversKey } = format;
  if (disabling.how === 'list') return listed(text, name, disabling.key);
  const property = propertyOf(text, serversKey, name);
  if (typeof property === 'string') return { fault: property };
  const changed = withoutServer(text, name, format, property, note);
  // The file is not ours: better not to touch it than to leave it broken.
  return isIntact(text, changed, name, format)
    ? { text: changed }
    : { fault: 'could not be changed safely.' };
}

function withoutServer(
  text: string,
  name: string,
  { disabling, serversKey }: ConfigFormat,
  property: Node,
  note: string,
): string {
  switch (disabling.how) {
    case 'flag':
      return withValue(text, [serversKey, name, disabling.key], true);
    case 'move':
      return moved(text, [serversKey, name], [disabling.to, name]);
    default:
      return commentedOut(text, property, note);
  }
}

function listed(text: string, name: string, key: string): Disabled {
  const json = readJson(text);
  if ('fault' in json) return json;
  const root: unknown = json.root ? getNodeValue(json.root) : {};
  if (typeof root !== 'object' || root === null || Array.isArray(root))
    return { fault: 'must hold an object.' };
  const names: unknown = Object.hasOwn(root, key) ? (root as Record<string, unknown>)[key] : [];
  if (!Array.isArray(names)) return { fault: `holds a "${key}" that is no list.` };
  if (names.includes(name)) return { text };
  return { text: withValue(json.root ? text : '{}\n', [key], [...names, name]) };
}

/** The property of a server, or what keeps it from being found. */
function propertyOf(text: string, serversKey: string, name: string): Node | string {
  const json = readJson(text);
  if ('fault' in json) return json.fault;
  const properties = (node: Node | undefined) => (node?.type === 'object' ? (node.children ?? []) : []);
  const keyed = (node: Node | undefined, key: string) =>
    properties(node).filter(({ children }) => children?.[0]?.value === key);
  const [servers, second] = keyed(json.root, serversKey);
  const [property, other] = keyed(servers?.children?.[1], name);
  if (second || other) return `holds ${JSON.stringify(other ? name : serversKey)} twice.`;
  if (!property) return `does not hold ${JSON.stringify(name)} any more.`;
  return property.children?.[1]?.type === 'object'
    ? property
    : `holds a ${JSON.stringify(name)} that is no object.`;
}

/** Moves a value to another object; its own text, comments in it too, stays as it is. */
function moved(text: string, from: readonly string[], to: readonly string[]): string {
  const node = nodeAt(text, [...from]);
  if (!node) return text;
  const raw = text.slice(node.offset, node.offset + node.length);
  const placed = withValue(applyEdits(text, modify(text, [...from], undefined, {})), [...to], 0);
  const place = nodeAt(placed, [...to]);
  return place ? placed.slice(0, place.offset) + raw + placed.slice(place.offset + place.length) : text;
}

/** Whether the change took the server out, or marked it, and left every other value of the file as it was. */
function isIntact(before: string, after: string, name: string, format: ConfigFormat): boolean {
  const [one, other] = [before, after].map((text) => {
    const json = readJson(text);
    return 'fault' in json || !json.root ? undefined : (getNodeValue(json.root) as Record<string, unknown>);
  });
  if (!one || !other) return false;
  const left = other[format.serversKey] as Record<string, Record<string, unknown>> | undefined;
  const isOff = left?.[name] === undefined || format.isDisabled(left[name]);
  return isOff && rest(one, name, format) === rest(other, name, format);
}

/**
 * All of a file but one server, as text. The object that takes what is moved away counts as empty while it is not
 * there.
 */
function rest(root: Readonly<Record<string, unknown>>, name: string, format: ConfigFormat): string {
  const { disabling, serversKey } = format;
  const holders = [serversKey, ...(disabling.how === 'move' ? [disabling.to] : [])];
  const held = holders.map((key) => Object.entries(root[key] ?? {}).filter(([server]) => server !== name));
  return JSON.stringify([held, Object.entries(root).filter(([key]) => !holders.includes(key))]);
}
