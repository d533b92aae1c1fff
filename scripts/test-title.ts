import { parseSync, Visitor } from 'oxc-parser';

const blocks = new Set(['describe', 'it', 'before', 'beforeEach', 'after', 'afterEach']);

/**
 * A regular expression, for mocha's `--grep`, of the titles of what stands at a line of a test file: of one test, of all
 * tests of a block, or, at a line outside of any block, `undefined`: of all.
 */
export function titleAt(source: string, line: number): string | undefined {
  const offset = source.split('\n', line - 1).join('\n').length + (line > 1 ? 1 : 0);
  const end = offset + (source.split('\n')[line - 1] ?? '').length;
  const titles: string[] = [];
  const { program } = parseSync('test.ts', source);
  let isTest = false;
  new Visitor({
    CallExpression(call) {
      if (call.start > end || call.end <= offset) return;
      const name = nameOf(call.callee, source);
      const title = blocks.has(name) ? call.arguments[0] : undefined;
      const words = title && pattern(source.slice(title.start, title.end));
      if (words === undefined) return;
      titles.push(words);
      isTest ||= name === 'it';
    },
  }).visit(program);
  if (titles.length === 0) return undefined;
  return `^${titles.join(' ')}${isTest ? '$' : ' '}`;
}

/** `it` of `it(…)`, and of `it.only(…)` and `it.skip(…)`. */
function nameOf(callee: { start: number; end: number }, source: string): string {
  return source.slice(callee.start, callee.end).replace(/\.(only|skip)$/, '');
}

/** What a title written as a literal looks like when it runs; undefined for what is no literal. */
function pattern(literal: string): string | undefined {
  const quote = literal[0];
  if (quote !== "'" && quote !== '"' && quote !== '`') return undefined;
  const parts = literal.slice(1, -1).split(quote === '`' ? /\$\{(?:[^{}]|\{[^{}]*\})*\}/ : /(?!)/);
  return parts.map((part) => escaped(part.replace(/\\(.)/g, '$1'))).join('.*');
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
