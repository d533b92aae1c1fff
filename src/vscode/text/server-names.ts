import { createHash } from 'node:crypto';

/** Limit of the readable part of a name in a URL, in characters. */
const MAX_SLUG = 40;

/**
 * A server's name in its gateway URL: the name itself if every client leaves its characters unchanged, else
 * its readable part and a digest. VS Code decodes a URL and does not encode it again.
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
 * The labels under which VS Code lists the servers. Of two servers with the same name, ignoring case, VS Code
 * keeps the one from its own configuration and disables ours, so each label marks ours. VS Code makes a
 * command of the label, so it holds only characters that stay unchanged: `/mcp.github-resilient.review`.
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
