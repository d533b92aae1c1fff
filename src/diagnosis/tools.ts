import { listPages } from '../protocol/list-pages.ts';
import { type Finding, note, ok, problem } from './check.ts';
import { CLAUSES } from './clauses.ts';

/** How many names are shown of those that something is wrong with. */
const SHOWN_NAMES = 5;

/** Asks for one page of the list; gives its result, or the words of the error. */
export type AskPage = (cursor: string | undefined) => Promise<Result | string>;

type Result = Readonly<Record<string, unknown>>;

/** Reads the whole list of tools, and judges it. No tool is called. */
export async function toolsFinding(askPage: AskPage): Promise<Finding> {
  const { pages, isWhole } = await listPages(askPage, (page) =>
    toolsOn(page) === undefined ? undefined : (page as Result).nextCursor,
  );
  const tools: unknown[] = [];
  for (const page of pages) {
    if (typeof page === 'string')
      return problem(`tools/list was refused: ${page}`, { clause: CLAUSES.tools });
    const listed = toolsOn(page);
    if (!listed)
      return problem('The answer to tools/list holds no list of tools.', { clause: CLAUSES.tools });
    tools.push(...listed);
  }
  if (isWhole) return judged(tools, pages.length);
  return note(`The list of tools does not end after ${pages.length} pages, ${tools.length} tools.`, {
    advice: 'Clients stop somewhere: use fewer tools, or larger pages.',
    clause: CLAUSES.tools,
  });
}

/** The tools of a page; undefined for words of an error and for an answer without them. */
function toolsOn(page: Result | string): readonly unknown[] | undefined {
  return typeof page !== 'string' && Array.isArray(page.tools) ? page.tools : undefined;
}

interface Tool {
  readonly name: string;
  readonly hasSchema: boolean;
  readonly hasHint: boolean;
}

function judged(listed: readonly unknown[], pages: number): Finding {
  const clause = CLAUSES.tools;
  const tools = listed.map(toolOf);
  const names = tools.map(({ name }) => name);
  const doubled = names.filter((name, index) => names.indexOf(name) < index);
  if (doubled.length > 0) {
    return problem(`Several tools have the same name: ${shown(doubled)}.`, {
      advice: 'A client cannot tell them apart, and most refuse the whole list.',
      clause,
    });
  }
  const shapeless = tools.filter(({ hasSchema }) => !hasSchema).map(({ name }) => name);
  if (shapeless.length > 0) {
    return problem(`Tools without an inputSchema of type object: ${shown(shapeless)}.`, {
      advice:
        'Clients that validate the list refuse all of it. Without arguments, write { "type": "object" }.',
      clause,
    });
  }
  const hinted = tools.filter(({ hasHint }) => hasHint).length;
  const says = `${tools.length} ${tools.length === 1 ? 'tool' : 'tools'}${pages > 1 ? ` on ${pages} pages` : ''}`;
  const plain = tools.length - hinted;
  return ok(
    plain === 0 || tools.length === 0
      ? `${says}.`
      : `${says}. ${plain} without readOnlyHint and idempotentHint: a call of those that is cut off is not made again.`,
    { clause },
  );
}

function toolOf(listed: unknown): Tool {
  const { name, inputSchema, annotations } = (listed ?? {}) as Record<string, unknown>;
  const { readOnlyHint, idempotentHint } = (annotations ?? {}) as Record<string, unknown>;
  return {
    name: typeof name === 'string' ? name : '(no name)',
    hasSchema: (inputSchema as { type?: unknown } | undefined)?.type === 'object',
    hasHint: readOnlyHint === true || idempotentHint === true,
  };
}

function shown(names: readonly string[]): string {
  const more = names.length - SHOWN_NAMES;
  return `${names.slice(0, SHOWN_NAMES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
