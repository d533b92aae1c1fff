import * as z from 'zod';
import { RECORDING_FORMAT, RECORDING_VERSION } from '../../src/diagnosis/recording/format.ts';
import { ResilientMcpError } from '../../src/protocol/errors.ts';

/** Limits of a recording. */
const MAX_LINES = 200_000;
const MAX_LINE_LENGTH = 64 * 1024;

const header = z.object({
  format: z.literal(RECORDING_FORMAT),
  version: z.literal(RECORDING_VERSION),
  product: z.string(),
  servers: z.array(z.object({ name: z.string(), type: z.string(), target: z.string() })),
});

const generation = z.number();
const durationMs = z.number().min(0);
const of = { method: z.string().optional(), tool: z.string().optional() };

/** The facts from which a server can be played. Others say what the client made of these. */
const playable = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('sessionOpened'),
    generation,
    session: z.string().optional(),
    protocolVersion: z.string(),
    server: z.string(),
    durationMs,
  }),
  z.object({ kind: z.literal('sessionResumed'), generation }),
  z.object({ kind: z.literal('sessionLost'), generation }),
  z.object({ kind: z.literal('sessionReplaced'), generation }),
  z.object({ kind: z.literal('sessionEnded'), generation, outcome: z.string() }),
  z.object({ kind: z.literal('serverAnswered'), generation }),
  z.object({ kind: z.literal('resetRequested'), generation }),
  z.object({
    kind: z.literal('exchangeFailed'),
    generation,
    ...of,
    resuming: z.boolean(),
    outcome: z.enum(['lost', 'unclear', 'unavailable', 'broken', 'refused']),
    status: z.number().int().min(100).max(599).optional(),
    reason: z.string(),
    resumable: z.boolean(),
    durationMs,
  }),
  z.object({
    kind: z.literal('requestAnswered'),
    generation,
    ...of,
    method: z.string(),
    durationMs,
    error: z.number().optional(),
  }),
  z.object({ kind: z.literal('requestReplayed'), generation, ...of }),
  z.object({ kind: z.literal('outcomeUnknown'), generation, ...of }),
  z.object({ kind: z.literal('streamOpened'), generation }),
  z.object({ kind: z.literal('streamEnded'), generation, reason: z.string() }),
  z.object({ kind: z.literal('streamNotOffered'), generation, status: z.number().int().min(100).max(599) }),
]);

const line = z.object({
  server: z.string(),
  client: z.number().optional(),
  at: z.iso.datetime(),
  fact: z.looseObject({ kind: z.string(), generation }),
});

export type PlayableFact = z.infer<typeof playable> & { readonly at: number };

/** One recorded connection to one server. */
export interface RecordedConnection {
  readonly server: string;
  /** The client of the connection; undefined for the product's own. */
  readonly client: number | undefined;
  /** Oldest first. `at` in ms since the epoch. */
  readonly facts: readonly PlayableFact[];
}

export interface Recording {
  readonly product: string;
  readonly servers: readonly { readonly name: string; readonly type: string; readonly target: string }[];
  /** Each that has a fact from which it can be played, in the order of their first facts. */
  readonly connections: readonly RecordedConnection[];
}

/** Reads a recording. @throws ResilientMcpError `INVALID_CONFIGURATION` for a text that is none, with the line */
export function readRecording(text: string): Recording {
  const lines = text.split('\n');
  if (lines.length > MAX_LINES) throw unusable(`It has more than ${MAX_LINES} lines.`);
  const [first = '', ...rest] = lines;
  const { product, servers } = parsed(header, first, 1);
  const connections = new Map<
    string,
    { server: string; client: number | undefined; facts: PlayableFact[] }
  >();
  for (const [index, each] of rest.entries()) {
    if (each.trim() === '') continue;
    const number = index + 2;
    const { server, client, at, fact } = parsed(line, each, number);
    if (!KINDS.has(fact.kind)) continue;
    const key = JSON.stringify([server, client]);
    const connection = connections.get(key) ?? { server, client, facts: [] };
    connections.set(key, connection);
    connection.facts.push({ ...checked(playable, fact, number), at: Date.parse(at) });
  }
  return { product, servers, connections: [...connections.values()] };
}

const KINDS: ReadonlySet<string> = new Set(playable.options.map(({ shape }) => shape.kind.value));

function parsed<T>(schema: z.ZodType<T>, text: string, number: number): T {
  if (text.length > MAX_LINE_LENGTH)
    throw unusable(`Line ${number} is longer than ${MAX_LINE_LENGTH} characters.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unusable(`Line ${number} is not JSON.`, error);
  }
  return checked(schema, value, number);
}

function checked<T>(schema: z.ZodType<T>, value: unknown, number: number): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const what = number === 1 ? 'is no header of a recording' : 'is no fact of a recording';
  throw unusable(`Line ${number} ${what}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim());
}

function unusable(message: string, cause?: unknown): ResilientMcpError {
  return new ResilientMcpError('INVALID_CONFIGURATION', message, {
    cause,
    advice: 'Give a file that MCP: Export Session Journal has written.',
  });
}
