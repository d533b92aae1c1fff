import { membersAt, type Span, scanJson } from './json-text.ts';

/**
 * Ids and progress tokens as they are compared. A number that JavaScript would round is held as a text of its own,
 * which stands for what was written: two ids that differ in their last digit stay two, and go out as they came.
 */

/** Marks such a text. No id that a program makes up begins so. */
const AS_WRITTEN = '\u0000';

/** Where ids stand in the parameters of a message. */
const PLACES = [['requestId'], ['progressToken'], ['_meta', 'progressToken']] as const;

/** The comparable form of an id whose JSON is `text`. */
export function idIn(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'number' || Number.isSafeInteger(value) || String(value) === text) return value;
  return AS_WRITTEN + text;
}

/** Whether an id is such a text. */
export function isIdAsWritten(id: unknown): id is string {
  return typeof id === 'string' && id.startsWith(AS_WRITTEN);
}

/** The characters of an id, whether it is a number or a text. */
export function asWrittenIn(id: string | number): string {
  return isIdAsWritten(id) ? id.slice(AS_WRITTEN.length) : String(id);
}

/** How an id is written; undefined for what JSON has no way to write. */
export function idText(id: unknown): string | undefined {
  const asWritten = isIdAsWritten(id) ? asWrittenIn(id) : '';
  return /^-?\d[\d.eE+-]*$/.test(asWritten) ? asWritten : JSON.stringify(id);
}

/** Whether the last step of a path leads to an id. */
export function isIdPlace(path: readonly string[]): boolean {
  const last = path.at(-1);
  return last === 'id' || last === 'requestId' || last === 'progressToken';
}

/** Gives parameters that were made of `text` their ids as {@link idIn} has them, where they were rounded. */
export function restoreIds(params: object, text: string): void {
  for (const path of PLACES) {
    const holder = path.length === 1 ? params : Reflect.get(params, path[0]);
    const key = path[path.length - 1] as string;
    if (typeof holder !== 'object' || holder === null) continue;
    const id: unknown = Reflect.get(holder, key);
    if (typeof id !== 'number' || Number.isSafeInteger(id)) continue;
    const span = spanAt(text, path);
    if (span) Reflect.set(holder, key, idIn(text.slice(span.start, span.end)));
  }
}

/** The text of parameters, with their ids as they were written once. */
export function paramsText(params: unknown): string | undefined {
  const text = JSON.stringify(params);
  if (typeof params !== 'object' || params === null) return text;
  const marked = PLACES.filter((path) => {
    const holder = path.length === 1 ? params : Reflect.get(params, path[0]);
    return (
      typeof holder === 'object' &&
      holder !== null &&
      isIdAsWritten(Reflect.get(holder, path[path.length - 1] as string))
    );
  });
  return marked.reduce((out, path) => {
    const span = spanAt(out, path);
    if (!span) return out;
    const id = idText(JSON.parse(out.slice(span.start, span.end)));
    return `${out.slice(0, span.start)}${id}${out.slice(span.end)}`;
  }, text);
}

function spanAt(text: string, path: readonly string[]): Span | undefined {
  const [first = '', ...rest] = path;
  return rest.reduce<Span | undefined>(
    (span, key) => span && membersAt(text, span).get(key),
    scanJson(text).members?.get(first),
  );
}
