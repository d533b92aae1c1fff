import type { RequestId } from '@modelcontextprotocol/sdk/types.js';
import { ResilientMcpError } from '../errors.ts';
import type { ScannedMessage } from './envelope-scan.ts';
import { idIn, idText, isIdPlace, paramsText, restoreIds } from './id-text.ts';
import { type Members, type Span, scanJson } from './json-text.ts';
import { PatchedText } from './patched-text.ts';

/**
 * Messages as text. Only the envelope of a message is parsed; the rest stays text until it is accessed. A
 * relayed message therefore keeps its digits, escapes and repeated keys, even when its id is replaced, and a
 * large one is neither parsed nor serialized again.
 *
 * {@link readMessages} reads a message, {@link textOf} writes it, {@link withValue} replaces a value in it,
 * and {@link peek} reads one.
 */

/** Limit of nesting. JSON parsers in Python and Rust accept 128 to 1,000 levels. */
export const MAX_DEPTH = 1000;

/** The result of reading: a message, or its fault. */
export type ReadMessage =
  | { readonly message: object; readonly problem?: undefined }
  | (ScannedMessage & { readonly message?: undefined; readonly problem: ResilientMcpError });

/** The text behind a message. */
interface Source {
  readonly text: PatchedText;
  /** Members parsed from the start: short ones, such as those of the envelope. */
  readonly values: Map<string, unknown>;
  /** Members not parsed yet; their value is only in the text. */
  readonly untouched: Set<string>;
}

const sources = new WeakMap<object, Source>();
/** The text of each parsed part, so that it is also known when the part is used in another message. */
const partTexts = new WeakMap<object, string>();

const ENVELOPE = ['jsonrpc', 'id', 'method', 'params', 'result', 'error'];
/** The method that Node.js calls to print an object. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');
/** Limit of members parsed from the start, in characters, except arrays and objects. */
const SHORT = 1024;
/** A text of this length is nested no deeper than {@link MAX_DEPTH}: each level has two brackets. */
const SHALLOW = 2 * MAX_DEPTH;

const tooDeep = `The message is nested deeper than ${MAX_DEPTH} levels.`;

/**
 * Reads the messages of a text: one, or a batch. The caller checks whether each is JSON-RPC.
 * @throws ResilientMcpError `PROTOCOL_VIOLATION` for invalid JSON
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
 * The plain object of a short text that `JSON.stringify` would write identically: nothing is lost by parsing
 * it. Most messages are of this kind, and cost only their parsing.
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

/** A message whose larger members are parsed at the first access. */
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

/** The value of a part. Its text is remembered. */
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
 * The text of a message, for sending.
 * @throws ResilientMcpError `LIMIT_EXCEEDED` for one nested too deep, `PROTOCOL_VIOLATION` for one that JSON
 *   cannot represent
 */
export function textOf(message: object): string {
  return textBehind(message)?.part() ?? written(message, sources.get(message));
}

/** The same on one line, for line-based transports: a line break between JSON tokens has no meaning. */
export function lineOf(message: object): string {
  const text = textOf(message);
  return /[\r\n]/.test(text) ? text.replace(/[\r\n]+/g, '') : text;
}

/** Whether a message still equals its text: the holder may have changed it. */
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

/** The text of a message created or changed in this process. */
function written(message: object, source: Source | undefined): string {
  const members: string[] = [];
  for (const key of Object.keys(message)) {
    const span = source?.untouched.has(key) ? source.text.members.get(key) : undefined;
    const text = source && span ? source.text.part(span) : memberText(key, Reflect.get(message, key));
    if (text !== undefined) members.push(`${JSON.stringify(key)}:${text}`);
  }
  const text = `{${members.join(',')}}`;
  // A shorter text cannot be that deep.
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
    // `JSON.stringify` is recursive.
    if (cause instanceof RangeError) throw new ResilientMcpError('LIMIT_EXCEEDED', tooDeep, { cause });
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new ResilientMcpError('PROTOCOL_VIOLATION', `The message can't be written as JSON: ${words}`, {
      cause,
    });
  }
}

/** A copy of a message with one value replaced. The rest of its text is unchanged. */
export function withValue<M extends object>(message: M, path: readonly string[], value: unknown): M {
  const text = (isIdPlace(path) ? idText(value) : JSON.stringify(value)) ?? 'null';
  return withText(message, path, text) ?? (withMember(message, path, value) as M);
}

/** A copy of the message with another id. */
export function withId<M extends object>(message: M, id: RequestId | null): M {
  return withValue(message, ['id'], id);
}

/** A copy with only the wanted elements of an array, each as it was written. */
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

/** @returns undefined when the path is not in the text, or the message was changed */
function withText<M extends object>(message: M, path: readonly string[], replacement: string): M | undefined {
  const text = textBehind(message);
  const span = text?.spanAt(path);
  return text && span && (messageOf(text.with(span, replacement)) as M);
}

function textBehind(message: object): PatchedText | undefined {
  const source = sources.get(message);
  return source && isAsRead(message, source) ? source.text : undefined;
}

/** The value at a path of a message; undefined when there is none. Nothing else is parsed. */
export function peek(message: object, path: readonly string[]): unknown {
  const source = sources.get(message);
  if (source?.untouched.has(path[0] ?? '')) {
    const span = source.text.spanAt(path);
    if (span) return isIdPlace(path) ? idIn(source.text.part(span)) : partOf(source, span);
    if (!source.text.isPatched) return undefined;
  }
  return path.reduce<unknown>(
    // Inherited members are not part of a message.
    (value, key) => (isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    message,
  );
}

/** Whether a member is an object. It is not parsed. */
export function hasObject(message: object, key: string): boolean {
  const source = sources.get(message);
  const span = source?.untouched.has(key) ? source.text.members.get(key) : undefined;
  return source && span ? source.text.firstOf(span) === '{' : isObject(Reflect.get(message, key));
}

/** A copy with another value at a path; missing objects on the path are created. */
function withMember(object: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  const copy: Record<string, unknown> = isObject(object) ? { ...object } : {};
  define(copy, key, withMember(copy[key], rest, value));
  return copy;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
