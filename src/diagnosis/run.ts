import { type Clock, deadline } from '../base/environment.ts';
import { describeError } from '../protocol/errors.ts';
import {
  type CheckId,
  type CheckResult,
  type DiagnosedServer,
  type Diagnosis,
  type Evidence,
  type Finding,
  problem,
  skipped,
} from './check.ts';

/** One look at the server. */
export interface Check {
  readonly id: CheckId;
  /** The subject of the check, in a few words. */
  readonly title: string;
  /** How long it may take, in ms, where that is more than the others. */
  readonly limitMs?: number;
  /**
   * Looks. Everything that it does to the server goes to `seen`, so that something is shown of a look that took too
   * long as well.
   */
  readonly look: (signal: AbortSignal, seen: (evidence: Evidence) => void) => Promise<Finding>;
}

/** The checks of one server, in the order in which they are made. */
export interface Plan {
  readonly server: DiagnosedServer;
  readonly checks: readonly Check[];
  /** What has turned out about earlier checks since they were made: their findings are replaced. */
  readonly revised: () => ReadonlyMap<CheckId, Finding>;
  /** Ends at the server what the checks have left open. Never rejects. */
  readonly leave: (signal: AbortSignal) => Promise<void>;
}

export interface RunOptions {
  readonly clock: Clock;
  /** The version of this product. */
  readonly product: string;
  /** How long one check may take, in ms. Default 10,000. */
  readonly checkLimitMs?: number;
  /** How long all checks together may take, in ms. Default 60,000; remaining checks are skipped. */
  readonly limitMs?: number;
  /** Skips the remaining checks when aborted. */
  readonly signal?: AbortSignal;
  /** Called before each check. */
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly title: string;
  /** From 1. */
  readonly number: number;
  readonly of: number;
}

/** How long the end of what was left open may take, in ms. */
const LEAVE_LIMIT_MS = 2000;

/** Makes the checks one after the other. Never rejects: whatever happens is a finding. */
export async function run(plan: Plan, options: RunOptions): Promise<Diagnosis> {
  const { clock, product, limitMs = 60_000, signal: cancelled = new AbortController().signal } = options;
  const at = clock.now();
  const startedAt = clock.monotonic();
  const whole = deadline(clock, limitMs, cancelled);
  const results: CheckResult[] = [];
  for (const [index, check] of plan.checks.entries()) {
    options.onProgress?.({ title: check.title, number: index + 1, of: plan.checks.length });
    results.push(await made(check, options, whole.signal));
  }
  whole.release();
  const last = deadline(clock, LEAVE_LIMIT_MS);
  await plan.leave(last.signal).finally(last.release);
  const revised = plan.revised();
  const checks = results.map((result) => ({ ...result, ...revised.get(result.id) }));
  return { format: 1, product, server: plan.server, at, durationMs: clock.monotonic() - startedAt, checks };
}

async function made(check: Check, options: RunOptions, whole: AbortSignal): Promise<CheckResult> {
  const { clock, checkLimitMs = 10_000, limitMs = 60_000, signal } = options;
  const { id, title, look } = check;
  const evidence: Evidence[] = [];
  const startedAt = clock.monotonic();
  const ownLimitMs = Math.max(checkLimitMs, check.limitMs ?? 0);
  const overdue = () => {
    if (signal?.aborted) return skipped('It was cancelled.');
    if (evidence.length === 0 && whole.aborted)
      return skipped(`The time for all checks, ${inSeconds(limitMs)}, was up.`);
    return problem(
      `It took longer than ${inSeconds(whole.aborted ? limitMs : ownLimitMs)}, and was broken off.`,
    );
  };
  if (whole.aborted) return { id, title, ...overdue(), evidence, durationMs: 0 };
  const limit = deadline(clock, ownLimitMs, whole);
  let isOver = false;
  const seen = (piece: Evidence) => {
    if (!isOver) evidence.push(piece);
  };
  const finding = await Promise.race([look(limit.signal, seen), rejectedAtEnd(limit.signal)])
    .catch((error: unknown) => (limit.signal.aborted ? overdue() : unforeseen(error)))
    .finally(limit.release);
  isOver = true;
  return { id, title, ...finding, evidence, durationMs: clock.monotonic() - startedAt };
}

/** A name server does not care about signals. */
function rejectedAtEnd(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** A mistake of ours must not be held against the server. */
function unforeseen(error: unknown): Finding {
  return skipped(`The check itself failed: ${describeError(error)}`);
}

const inSeconds = (ms: number) => `${ms / 1000} s`;
