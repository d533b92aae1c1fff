/** Switching a server off in the file of its client, in the way of that client, so that a person can bring it back. */
import { applyEdits, findNodeAtLocation, getNodeValue, modify, type Node } from 'jsonc-parser';
import { commentedOut } from './comment-out.ts';
import { type ConfigFormat, type Disabling, pathOfServers } from './config-format.ts';
import { nodeAt, withValue } from './json-edit.ts';
import { readJson } from './json-text.ts';

/** The new text of the file, or the reason for failure, as a sentence that follows the name of the file. */
export type Disabled = { readonly text: string } | { readonly fault: string };

/**
 * Switches a server off.
 *
 * @param text the file of the server; for the way `list` that other file, empty when there is none.
 * @param note what is written above an entry that is commented out, one line.
 * @param project the folder whose server it is, in a file that has some for single projects
 */
export function disable(
  text: string,
  name: string,
  format: ConfigFormat,
  note: string,
  project?: string,
): Disabled {
  const { disabling } = format;
  if (disabling.how === 'list') return listed(text, name, disabling.key);
  const path = pathOfServers(format, project);
  const property = propertyOf(text, path, name);
  if (typeof property === 'string') return { fault: property };
  const changed = withoutServer(text, [...path, name], disabling, property, note);
  // The file is not ours: better not to touch it than to leave it broken.
  return isIntact(text, changed, [...path, name], format)
    ? { text: changed }
    : { fault: 'could not be changed safely.' };
}

function withoutServer(
  text: string,
  path: readonly string[],
  disabling: Disabling,
  property: Node,
  note: string,
): string {
  switch (disabling.how) {
    case 'flag':
      return withValue(text, [...path, disabling.key], true);
    case 'move':
      return moved(text, path, [...path.slice(0, -2), disabling.to, ...path.slice(-1)]);
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
function propertyOf(text: string, path: readonly string[], name: string): Node | string {
  const json = readJson(text);
  if ('fault' in json) return json.fault;
  const properties = (node: Node | undefined) => (node?.type === 'object' ? (node.children ?? []) : []);
  let found: Node | undefined;
  let node = json.root;
  for (const key of [...path, name]) {
    const [property, second] = properties(node).filter(({ children }) => children?.[0]?.value === key);
    if (second) return `holds ${JSON.stringify(key)} twice.`;
    found = property;
    node = property?.children?.[1];
  }
  if (!found) return `does not hold ${JSON.stringify(name)} any more.`;
  return node?.type === 'object' ? found : `holds a ${JSON.stringify(name)} that is no object.`;
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
function isIntact(before: string, after: string, path: readonly string[], format: ConfigFormat): boolean {
  const [one, other] = [before, after].map((text) => {
    const json = readJson(text);
    return 'fault' in json || !json.root ? undefined : json.root;
  });
  if (!one || !other) return false;
  const left = findNodeAtLocation(other, [...path]);
  const isOff = !left || format.isDisabled(getNodeValue(left));
  return isOff && rest(one, path, format) === rest(other, path, format);
}

/** All of a file but one server, as text. The object that takes what is moved away counts as empty while it is not there. */
function rest(root: Node, path: readonly string[], { disabling, serversKey }: ConfigFormat): string {
  const name = path.at(-1);
  const within = path.slice(0, -2);
  const holders = [serversKey, ...(disabling.how === 'move' ? [disabling.to] : [])];
  const file = getNodeValue(root) as Record<string, unknown>;
  const holder = within.reduce<Record<string, unknown>>(
    (at, key) => at[key] as Record<string, unknown>,
    file,
  );
  const held = holders.map((key) => Object.entries(holder[key] ?? {}).filter(([server]) => server !== name));
  for (const key of holders) delete holder[key];
  return JSON.stringify([held, file]);
}
