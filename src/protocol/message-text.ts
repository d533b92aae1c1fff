import type { RequestId } from '@modelcontextprotocol/sdk/types.js';
import type { ScannedMessage } from './envelope-scan.ts';
import { ResilientMcpError } from './errors.ts';
import { idIn, idText, isIdPlace, paramsText, restoreIds } from './id-text.ts';
import { type Members, type Span, scanJson } from './json-text.ts';
import { PatchedText } from './patched-text.ts';

/**
 * Messages as text. What is not ours to change leaves as it came: the envelope of a message is read, and the rest stays
 * the text that it is until somebody looks inside. So a message that is passed on has the digits, escapes and doubled
 * keys that it came with, also where its id had to be another; and a large one is neither parsed nor written anew.
 *
 * {@link readMessages} is how a message comes in, {@link textOf} how it goes out, {@link withValue} how something in it
 * is replaced, and {@link peek} how it is looked into.
 */

/** How deep a message may be nested. What reads JSON in Python and Rust takes 128 to 1,000 levels. */
export const MAX_DEPTH = 1000;

/** The result of reading: a message, or its fault. */
export type ReadMessage =
  | { readonly message: object; readonly problem?: undefined }
  | (ScannedMessage & { readonly message?: undefined; readonly problem: ResilientMcpError });

/** The text behind a message. */
interface Source {
  readonly text: PatchedText;
  /** Members that are held as values from the beginning: short ones, such as those of the envelope. */
  readonly values: Map<string, unknown>;
  /** Members that were not parsed; their value is in the text only. */
  readonly untouched: Set<string>;
}

const sources = new WeakMap<object, Source>();
/** The text of each part that an object was made of, so that it is known also within another message. */
const partTexts = new WeakMap<object, string>();

const ENVELOPE = ['jsonrpc', 'id', 'method', 'params', 'result', 'error'];
/** What Node.js calls on an object that is printed. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');
/** Up to how many characters a member is made at once, if it is no array and no object. */
const SHORT = 1024;
/** A text of as many characters is nested no deeper than {@link MAX_DEPTH}: each level opens and closes. */
const SHALLOW = 2 * MAX_DEPTH;

const tooDeep = `The message is nested deeper than ${MAX_DEPTH} levels.`;

/**
 * Reads the messages of a text: one, or a batch. Whether each is JSON-RPC is for its reader to ask.
 * @throws ResilientMcpError `PROTOCOL_VIOLATION` when it is no JSON
 */
export function readMessages(text: string): readonly ReadMessage[] {
  const plain = plainIn(text);
  if (plain) return [{ message: plain }];
  const { members, elements, depth } = scanJson(text);
  if (!elements) return [readMessage(text, members, depth)];
  return elements.map(({ start, end }) => {
    const element = text.slice(start, end);
    const scanned = scanJson(element);
    return readMessage(element, scanned.members, scanned.depth);
  });
}

/**
 * The object of a short text that the platform would write just so: then nothing of it can be lost, and it is an object
 * like any other. Most messages are of this kind, and so cost no more than their parsing.
 */
function plainIn(text: string): object | undefined {
  if (text.length > SHALLOW || text[0] !== '{') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && JSON.stringify(value) === text ? value : undefined;
  } catch {
    // The character-by-character reader finds and reports the fault.
    return undefined;
  }
}

function readMessage(text: string, members: Members | undefined, depth: number): ReadMessage {
  if (!members) return refused('PROTOCOL_VIOLATION', 'That is no JSON-RPC 2.0 message.', text, new Map());
  const twice = ENVELOPE.find((key) => members.get(key)?.earlier);
  if (twice !== undefined) {
    return refused('PROTOCOL_VIOLATION', `The message names "${twice}" twice.`, text, members);
  }
  if (depth > MAX_DEPTH) return refused('LIMIT_EXCEEDED', tooDeep, text, members);
  return { message: messageOf(new PatchedText(text, members)) };
}

function refused(
  code: 'PROTOCOL_VIOLATION' | 'LIMIT_EXCEEDED',
  words: string,
  text: string,
  members: Members,
): ReadMessage {
  const span = members.get('id');
  const isScalar = span && !span.earlier && text[span.start] !== '{' && text[span.start] !== '[';
  const id = isScalar ? idIn(text.slice(span.start, span.end)) : undefined;
  return {
    problem: new ResilientMcpError(code, words),
    id: typeof id === 'string' || typeof id === 'number' ? id : undefined,
    isAnswer: !members.has('method'),
  };
}

/** A message whose larger members are made when somebody first looks into them. */
function messageOf(text: PatchedText): object {
  const message = {};
  const source: Source = { text, values: new Map(), untouched: new Set() };
  for (const [key, span] of text.members) {
    if (isShort(text, span)) {
      const part = text.part(span);
      const value: unknown = key === 'id' ? idIn(part) : JSON.parse(part);
      source.values.set(key, value);
      define(message, key, value);
    } else defineLazily(message, key, source, span);
  }
  // A printed message must show its content.
  Object.defineProperty(message, INSPECT, { value: shown });
  sources.set(message, source);
  return message;
}

function shown(this: object): object {
  return { ...this };
}

function isShort(text: PatchedText, span: Span): boolean {
  const first = text.firstOf(span);
  return first !== '{' && first !== '[' && span.end - span.start <= SHORT;
}

function define(message: object, key: string, value: unknown): void {
  Object.defineProperty(message, key, { value, writable: true, enumerable: true, configurable: true });
}

function defineLazily(message: object, key: string, source: Source, span: Span): void {
  const settle = (value: unknown) => {
    source.untouched.delete(key);
    define(message, key, value);
    return value;
  };
  source.untouched.add(key);
  Object.defineProperty(message, key, {
    get: () => settle(partOf(source, span)),
    set: settle,
    enumerable: true,
    configurable: true,
  });
}

/** A part as JavaScript has it. Its text is remembered. */
function partOf(source: Source, span: Span): unknown {
  const text = source.text.part(span);
  const value = parsed(text);
  if (typeof value === 'object' && value !== null) partTexts.set(value, text);
  return value;
}

function parsed(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (isObject(value)) restoreIds(value, text);
  return value;
}

/**
 * The text of a message, as it goes out.
 * @throws ResilientMcpError `LIMIT_EXCEEDED` for one that is nested too deep, `PROTOCOL_VIOLATION` for one that JSON has
 *   no way to write
 */
export function textOf(message: object): string {
  return textBehind(message)?.part() ?? written(message, sources.get(message));
}

/** The same on one line, for what is written line by line: between the parts of JSON a line break says nothing. */
export function lineOf(message: object): string {
  const text = textOf(message);
  return /[\r\n]/.test(text) ? text.replace(/[\r\n]+/g, '') : text;
}

/** Whether a message still says what its text says: whoever holds it may have changed it. */
function isAsRead(message: object, source: Source): boolean {
  const { text, values, untouched } = source;
  if (Object.keys(message).length !== text.members.size) return false;
  for (const [key, span] of text.members) {
    if (untouched.has(key)) continue;
    const value: unknown = Reflect.get(message, key);
    if (values.has(key) ? value !== values.get(key) : !isMadeOf(value, text.part(span))) return false;
  }
  return true;
}

function isMadeOf(value: unknown, text: string): boolean {
  return typeof value === 'object' && JSON.stringify(value) === JSON.stringify(parsed(text));
}

/** A message that was made, or changed, in this process. */
function written(message: object, source: Source | undefined): string {
  const members: string[] = [];
  for (const key of Object.keys(message)) {
    const span = source?.untouched.has(key) ? source.text.members.get(key) : undefined;
    const text = source && span ? source.text.part(span) : memberText(key, Reflect.get(message, key));
    if (text !== undefined) members.push(`${JSON.stringify(key)}:${text}`);
  }
  const text = `{${members.join(',')}}`;
  // A shorter one can't be that deep.
  if (text.length > MAX_DEPTH && scanJson(text).depth > MAX_DEPTH) {
    throw new ResilientMcpError('LIMIT_EXCEEDED', tooDeep);
  }
  return text;
}

function memberText(key: string, value: unknown): string | undefined {
  if (key === 'id') return idText(value);
  try {
    const known = typeof value === 'object' && value !== null ? partTexts.get(value) : undefined;
    if (known !== undefined && isMadeOf(value, known)) return known;
    return key === 'params' ? paramsText(value) : JSON.stringify(value);
  } catch (cause) {
    // What writes JSON here calls itself at each level.
    if (cause instanceof RangeError) throw new ResilientMcpError('LIMIT_EXCEEDED', tooDeep, { cause });
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new ResilientMcpError('PROTOCOL_VIOLATION', `The message can't be written as JSON: ${words}`, {
      cause,
    });
  }
}

/** A message with another value at a place. Nothing else of its text changes. */
export function withValue<M extends object>(message: M, path: readonly string[], value: unknown): M {
  const text = (isIdPlace(path) ? idText(value) : JSON.stringify(value)) ?? 'null';
  return withText(message, path, text) ?? (withMember(message, path, value) as M);
}

/** The same message under another id. */
export function withId<M extends object>(message: M, id: RequestId | null): M {
  return withValue(message, ['id'], id);
}

/** Of an array in a message only the elements that are wanted, each as it was written. */
export function withElements<M extends object>(
  message: M,
  path: readonly string[],
  isWanted: (element: unknown) => boolean,
): M {
  const text = textBehind(message);
  const span = text?.spanAt(path);
  if (!text || !span) {
    const all = peek(message, path);
    return Array.isArray(all) ? (withMember(message, path, all.filter(isWanted)) as M) : message;
  }
  const array = text.part(span);
  const elements = scanJson(array).elements ?? [];
  const wanted = elements
    .map(({ start, end }) => array.slice(start, end))
    .filter((element) => isWanted(JSON.parse(element)));
  if (wanted.length === elements.length) return message;
  return messageOf(text.with(span, `[${wanted.join(',')}]`)) as M;
}

/** @returns undefined when the place is not in the text, or the message says something else by now */
function withText<M extends object>(message: M, path: readonly string[], replacement: string): M | undefined {
  const text = textBehind(message);
  const span = text?.spanAt(path);
  return text && span && (messageOf(text.with(span, replacement)) as M);
}

function textBehind(message: object): PatchedText | undefined {
  const source = sources.get(message);
  return source && isAsRead(message, source) ? source.text : undefined;
}

/** What stands at a place of a message; undefined when there is nothing. Of the rest nothing is made. */
export function peek(message: object, path: readonly string[]): unknown {
  const source = sources.get(message);
  if (source?.untouched.has(path[0] ?? '')) {
    const span = source.text.spanAt(path);
    if (span) return isIdPlace(path) ? idIn(source.text.part(span)) : partOf(source, span);
    if (!source.text.isPatched) return undefined;
  }
  return path.reduce<unknown>(
    // What every object inherits stands in no message.
    (value, key) => (isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    message,
  );
}

/** Whether a member is an object. Nothing is made of it. */
export function hasObject(message: object, key: string): boolean {
  const source = sources.get(message);
  const span = source?.untouched.has(key) ? source.text.members.get(key) : undefined;
  return source && span ? source.text.firstOf(span) === '{' : isObject(Reflect.get(message, key));
}

/** A copy with another value at a place; objects on the way there are made where they are missing. */
function withMember(object: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  const copy: Record<string, unknown> = isObject(object) ? { ...object } : {};
  define(copy, key, withMember(copy[key], rest, value));
  return copy;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
