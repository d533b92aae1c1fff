import * as z from 'zod';
import type { ImportProblem, InputDefinition } from './found-server.ts';

const MAX_INPUTS = 256;

/** `label` and `value` are what VS Code lets an option have besides a bare text. */
const option = z.union([z.string(), z.looseObject({ value: z.string() }).transform(({ value }) => value)]);

const input = z.looseObject({
  id: z.string().min(1),
  type: z.string().optional(),
  description: z.string().optional(),
  password: z.boolean().optional(),
  default: z.string().optional(),
  options: z.array(option).min(1).optional(),
});

/**
 * Reads `inputs` of VS Code's mcp.json. An element that can't be used becomes a problem; the servers that ask for it
 * ask for a text then.
 */
export function readInputs(value: unknown, problems: ImportProblem[]): InputDefinition[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    problems.push({ message: '"inputs" must be a list.' });
    return [];
  }
  return value.slice(0, MAX_INPUTS).flatMap((raw: unknown, index) => {
    const parsed = input.safeParse(raw);
    if (!parsed.success) {
      problems.push({ message: `"inputs"[${index}] is not a definition of an input.` });
      return [];
    }
    return definitionOf(parsed.data, problems);
  });
}

function definitionOf(
  { id, type = 'promptString', description, password, default: otherwise, options }: z.infer<typeof input>,
  problems: ImportProblem[],
): InputDefinition[] {
  if (type !== 'promptString' && type !== 'pickString') {
    // "command" runs a command of the editor for the value; nothing that a file says is run here.
    problems.push({ message: `The input "${id}" has the type "${type}": its value will be asked for.` });
  }
  return [
    {
      id,
      ...(description !== undefined && { description }),
      ...(password !== undefined && { password }),
      ...(otherwise !== undefined && { default: otherwise }),
      ...(type === 'pickString' && options && { options }),
    },
  ];
}
