/** Keywords of JSON Schema that say something to a reader and allow or forbid nothing. */
const ANNOTATIONS: ReadonlySet<string> = new Set(['title', 'description', 'examples', '$comment']);
/** Keywords whose keys are names that the author chose. */
const NAMES: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  'dependentSchemas',
  '$defs',
  'definitions',
]);
/** Keywords whose items have no order. Some servers write them as they come out of a hash. */
const SETS: ReadonlySet<string> = new Set(['required', 'enum', 'type']);
/** Depth to which schemas are compared, in levels. Deeper levels count as equal. */
const MAX_DEPTH = 64;

/**
 * What a tool takes, as a text: the same for two input schemas that allow the same in the same words. The order of keys
 * and texts for readers make no difference.
 */
export function inputOf(tool: { readonly inputSchema?: unknown }): string {
  return JSON.stringify(shapeOf(tool.inputSchema ?? {}, false, 0));
}

function shapeOf(value: unknown, keysAreNames: boolean, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return null;
  if (Array.isArray(value)) return value.map((item) => shapeOf(item, false, depth + 1));
  const entries = Object.entries(value)
    .filter(([key]) => keysAreNames || !ANNOTATIONS.has(key))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => [key, shapeOfMember(key, item, keysAreNames, depth + 1)]);
  return Object.fromEntries(entries);
}

function shapeOfMember(key: string, item: unknown, keysAreNames: boolean, depth: number): unknown {
  if (!keysAreNames && SETS.has(key) && Array.isArray(item))
    return item.map((each) => JSON.stringify(each)).sort();
  return shapeOf(item, !keysAreNames && NAMES.has(key), depth);
}
