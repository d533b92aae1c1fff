import { createHash } from 'node:crypto';

/** How much of a name stands in an address that can't hold all of it, in characters. */
const MAX_SLUG = 40;

/**
 * What stands for a server in its address at the gateway: its name, where that is made of characters that every client
 * leaves as they are, else what is readable of it and a mark of its own. The editor decodes an address and does not
 * encode it again.
 */
export function endpointName(name: string): string {
  if (/^[\w-][\w.~-]*$/.test(name)) return name;
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()
    .replaceAll(' ', '-')
    .slice(0, MAX_SLUG);
  const mark = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return slug === '' ? mark : `${slug}-${mark}`;
}

/**
 * The names under which the editor lists servers. Of two servers of one name, whatever their case, the editor takes the
 * one that its own configuration names, and ours would be the one that is switched off: so each says that it is ours.
 * In characters that the editor leaves as they are where it makes a command of the label: `/mcp.github-resilient.review`.
 */
export function serverLabels(names: readonly string[]): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  return new Map(
    names.map((name) => {
      let label = `${name}-resilient`;
      for (let number = 2; taken.has(label.toLowerCase()); number++) label = `${name}-resilient-${number}`;
      taken.add(label.toLowerCase());
      return [name, label];
    }),
  );
}
