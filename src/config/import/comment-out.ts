import { createScanner, type Node } from 'jsonc-parser';

/**
 * Comments a property of an object out, with the comma that follows it, line by line; below a note of one line. What
 * stands before it on its line and after it stays.
 */
export function commentedOut(text: string, property: Node, note: string): string {
  const end = afterComma(text, property.offset + property.length);
  const lineStart = text.lastIndexOf('\n', property.offset - 1) + 1;
  const before = text.slice(lineStart, property.offset);
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const standsAlone = before.trim() === '';
  const start = standsAlone ? lineStart : property.offset;
  const lines = text.slice(start, end).split(/\r?\n/);
  const column = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)));
  const indent = standsAlone ? before : '';
  const commented = lines.map((line) =>
    line.trim() === '' ? line : `${line.slice(0, column)}// ${line.slice(column)}`,
  );
  // A block comment that begins in the rest of the line would end outside of it.
  const restOfLine = /^[ \t]*(?=\r?\n|$|\/\/)/.test(text.slice(end)) ? '' : eol;
  const block = [`${indent}// ${note}`, ...commented].join(eol);
  return text.slice(0, start) + (standsAlone ? '' : eol) + block + restOfLine + text.slice(end);
}

/** The end of the comma that follows, past white space and comments; `offset` if none does. */
function afterComma(text: string, offset: number): number {
  const scanner = createScanner(text, true);
  scanner.setPosition(offset);
  scanner.scan();
  const token = scanner.getTokenOffset();
  return text[token] === ',' ? token + 1 : offset;
}
