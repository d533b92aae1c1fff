import * as z from 'zod';
import type { InputDefinition } from './found-server.ts';

/** How many inputs of one list are read. */
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

/** A fault in a list of inputs: at an index, or of the whole list. */
export interface InputFault {
  readonly index?: number;
  /** A sentence that follows the name of the place. */
  readonly message: string;
}

/**
 * Reads `inputs` of VS Code's mcp.json, or of our setting. An element that can't be used becomes a fault; the servers
 * that ask for it ask for a text then.
 */
export function readInputs(value: unknown): { inputs: InputDefinition[]; faults: InputFault[] } {
  if (value === undefined || value === null) return { inputs: [], faults: [] };
  if (!Array.isArray(value)) return { inputs: [], faults: [{ message: 'must be a list.' }] };
  const faults: InputFault[] = [];
  const inputs = value.slice(0, MAX_INPUTS).flatMap((raw: unknown, index) => {
    const parsed = input.safeParse(raw);
    if (parsed.success) return [definitionOf(parsed.data, index, faults)];
    const message =
      'is no definition of an input. It needs an "id", such as { "id": "token", "password": true }.';
    faults.push({ index, message });
    return [];
  });
  if (value.length > MAX_INPUTS) faults.push({ message: `holds more than ${MAX_INPUTS} inputs.` });
  return { inputs, faults };
}

function definitionOf(
  { id, type = 'promptString', description, password, default: otherwise, options }: z.infer<typeof input>,
  index: number,
  faults: InputFault[],
): InputDefinition {
  if (type !== 'promptString' && type !== 'pickString') {
    // "command" runs a command of the editor for the value; nothing that a file says is run here.
    faults.push({ index, message: `has the type ${JSON.stringify(type)}: its value will be asked for.` });
  }
  return {
    id,
    ...(description !== undefined && { description }),
    ...(password !== undefined && { password }),
    ...(otherwise !== undefined && { default: otherwise }),
    ...(type === 'pickString' && options && { options }),
  };
}
