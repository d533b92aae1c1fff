import { type Finding, note, ok, problem } from './check.ts';
import { CLAUSES } from './clauses.ts';

/** At most so many pages are asked for. */
const MAX_PAGES = 20;
/** How many names are shown of those that something is wrong with. */
const SHOWN_NAMES = 5;

/** Asks for one page of the list; gives its result, or the words of the error. */
export type AskPage = (cursor: string | undefined) => Promise<Readonly<Record<string, unknown>> | string>;

/** Reads the whole list of tools, and judges it. No tool is called. */
export async function toolsFinding(askPage: AskPage): Promise<Finding> {
  const tools: unknown[] = [];
  let cursor: string | undefined;
  for (let page = 1; ; page += 1) {
    const result = await askPage(cursor);
    if (typeof result === 'string')
      return problem(`tools/list was refused: ${result}`, { clause: CLAUSES.tools });
    if (!Array.isArray(result.tools)) {
      return problem('The answer to tools/list holds no list of tools.', { clause: CLAUSES.tools });
    }
    tools.push(...result.tools);
    cursor = typeof result.nextCursor === 'string' ? result.nextCursor : undefined;
    if (cursor === undefined) return judged(tools, page);
    if (page === MAX_PAGES) {
      return note(`The list of tools does not end after ${MAX_PAGES} pages, ${tools.length} tools.`, {
        advice: 'Clients stop somewhere: use fewer tools, or larger pages.',
        clause: CLAUSES.tools,
      });
    }
  }
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
