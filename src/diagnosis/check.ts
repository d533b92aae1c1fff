/**
 * A diagnosis: ordered checks of one server, each with a verdict, what was seen, and what to do. It reads, and never
 * calls a tool. Plain data throughout, so that it can be kept, compared and written as JSON.
 */

/** The checks, by a name that does not change: the JSON of `resilient-mcp doctor` bears it. */
export type CheckId =
  | 'configuration'
  | 'dns'
  | 'tcp'
  | 'tls'
  | 'http'
  | 'authorization'
  | 'start'
  | 'endpoint'
  | 'initialize'
  | 'era'
  | 'session'
  | 'unknown-session'
  | 'stream'
  | 'resumption'
  | 'tools'
  | 'clients'
  | 'end';

/**
 * - `ok`: as it should be.
 * - `note`: allowed, and worth knowing.
 * - `problem`: a client fails by it, or is led astray.
 * - `skipped`: not looked at; the finding says why.
 */
export type CheckVerdict = 'ok' | 'note' | 'problem' | 'skipped';

/** The source of the rule that a check applies. */
export interface Clause {
  readonly title: string;
  readonly url: string;
}

/** Something that was done to the server, and what came back. Without secrets and whole session ids. */
export interface Evidence {
  /** `POST initialize`, `lookup of mcp.example`. */
  readonly what: string;
  readonly status?: number;
  /** Those that matter to MCP. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The first {@link SHOWN_OF_BODY} characters of what came. */
  readonly body?: string;
  /** Why nothing came, or what came to a bad end. */
  readonly failure?: string;
  /** Until the end of what was read of the answer, in ms; undefined for what took no time. */
  readonly durationMs?: number;
}

/** How much of a body is shown, in characters. */
export const SHOWN_OF_BODY = 200;

/** The result of a check, as text for the user. */
export interface Finding {
  readonly verdict: CheckVerdict;
  readonly says: string;
  /** What to do about it. */
  readonly advice?: string;
  readonly clause?: Clause;
}

export interface CheckResult extends Finding {
  readonly id: CheckId;
  /** The subject of the check, in a few words. */
  readonly title: string;
  readonly evidence: readonly Evidence[];
  readonly durationMs: number;
}

/** A whole diagnosis. */
export interface Diagnosis {
  /** Of this shape of data; members are only ever added within one. */
  readonly format: 1;
  /** The version of this product. */
  readonly product: string;
  readonly server: DiagnosedServer;
  /** When it began, in ms since the epoch. */
  readonly at: number;
  readonly durationMs: number;
  readonly checks: readonly CheckResult[];
}

export interface DiagnosedServer {
  /** What a person calls it; undefined where it has no name. */
  readonly name?: string | undefined;
  readonly type: 'http' | 'sse' | 'stdio' | 'module';
  /** The address without its query, or the program or module without its arguments. */
  readonly target: string;
}

/** How many checks ended in each verdict. */
export function countOf({ checks }: Pick<Diagnosis, 'checks'>): Readonly<Record<CheckVerdict, number>> {
  const count = { ok: 0, note: 0, problem: 0, skipped: 0 };
  for (const { verdict } of checks) count[verdict] += 1;
  return count;
}

export const ok = (says: string, more: Omit<Finding, 'verdict' | 'says'> = {}): Finding => ({
  verdict: 'ok',
  says,
  ...more,
});

export const note = (says: string, more: Omit<Finding, 'verdict' | 'says'> = {}): Finding => ({
  verdict: 'note',
  says,
  ...more,
});

export const problem = (says: string, more: Omit<Finding, 'verdict' | 'says'> = {}): Finding => ({
  verdict: 'problem',
  says,
  ...more,
});

export const skipped = (because: string): Finding => ({ verdict: 'skipped', says: because });
