import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';

/** The largest file that is read, in characters. Most have a few thousand; `~/.claude.json` grows with every project. */
export const MAX_CONFIG_LENGTH = 8 * 1024 * 1024;

/** Comments and trailing commas are allowed everywhere: most clients take them, and those that do not write none. */
export const JSONC = { allowTrailingComma: true, disallowComments: false, allowEmptyContent: true } as const;

export type JsonText = { readonly root: Node | undefined } | { readonly fault: string };

/** Reads JSON with comments. `root` is undefined for an empty file; `fault` says where it can't be read, and why. */
export function readJson(text: string): JsonText {
  if (text.length > MAX_CONFIG_LENGTH) return { fault: `is longer than ${MAX_CONFIG_LENGTH} characters.` };
  const errors: ParseError[] = [];
  try {
    // A byte order mark is what some editors on Windows write; it is no part of the JSON.
    const root = parseTree(text.replace(/^\uFEFF/, ' '), errors, JSONC);
    const [first] = errors;
    return first ? { fault: faultAt(text, first) } : { root };
  } catch (error) {
    // The parser calls itself for each level of nesting.
    if (error instanceof RangeError) return { fault: 'is nested too deeply.' };
    throw error;
  }
}

function faultAt(text: string, { error, offset }: ParseError): string {
  const before = text.slice(0, offset).split('\n');
  const column = (before.at(-1)?.length ?? 0) + 1;
  const what = printParseErrorCode(error)
    .replace(/\B[A-Z]/g, (letter) => ` ${letter}`)
    .toLowerCase();
  return `is no JSON: ${what}, line ${before.length}, column ${column}.`;
}
