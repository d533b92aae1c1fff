import {
  applyEdits,
  type FormattingOptions,
  findNodeAtLocation,
  type JSONPath,
  modify,
  type Node,
  parseTree,
} from 'jsonc-parser';
import { JSONC } from './json-text.ts';

/** The text with a value set, or taken out when it is undefined. Everything else stays as it is, comments too. */
export function withValue(text: string, path: JSONPath, value: unknown): string {
  return applyEdits(text, modify(text, path, value, { formattingOptions: formattingOf(text) }));
}

/** Where a value stands; undefined if there is none at the path. Of a key that stands twice, the last. */
export function nodeAt(text: string, path: JSONPath): Node | undefined {
  const root = parseTree(text, [], JSONC);
  return root && findNodeAtLocation(root, path);
}

/** The indentation and line ends that the text has already. */
function formattingOf(text: string): FormattingOptions {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';
  return {
    insertSpaces: !indent.includes('\t'),
    tabSize: indent.includes('\t') ? 1 : indent.length,
    eol: text.includes('\r\n') ? '\r\n' : '\n',
  };
}
