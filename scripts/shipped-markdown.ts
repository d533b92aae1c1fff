/**
 * A Markdown file as it goes into the .vsix while there is no public address for its relative links to point to. The
 * editor's page of an extension shows pictures from https only, and can't follow a path: there, pictures with a path
 * are left out, and links with one become their text.
 */
export function withoutPaths(markdown: string): string {
  return markdown
    .replace(
      /^[ \t]*(?:!\[[^\]]*\]\((?!https:)[^)]*\)|<img\b(?![^>]*\bsrc="https:)[^>]*>)[ \t]*\n(?:[ \t]*\n)?/gm,
      '',
    )
    .replace(/(?<!!)\[([^\]]+)\]\((?!https?:|mailto:|#)[^)]*\)/g, '$1');
}
