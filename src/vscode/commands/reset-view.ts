import type { ResetOutcome } from '../../hub/hub.ts';
import { durationLabel } from '../text/time-label.ts';
import { english, type Translate } from '../text/translate.ts';
import { maskTokens, plainText } from '../text/untrusted-text.ts';

type Renewed = Extract<ResetOutcome, { ok: true }>;
type Failed = Extract<ResetOutcome, { ok: false }>;

/** The message after a reset. Untrusted text in it is plain. */
export interface ResetView {
  /** For the status bar; undefined when nothing was renewed. */
  readonly success: string | undefined;
  /** For an error notification; undefined when nothing failed. */
  readonly failure: string | undefined;
  /** The servers to offer a retry for. */
  readonly failed: readonly string[];
}

/** Words the outcome of a reset of one or many servers. */
export function renderReset(outcomes: readonly ResetOutcome[], t: Translate = english): ResetView {
  const well = outcomes.filter((outcome): outcome is Renewed => outcome.ok);
  // In a reset of many servers, those without a session are not mentioned.
  const renewed = outcomes.length > 1 ? well.filter(({ connection }) => connection) : well;
  const failed = outcomes.filter((outcome): outcome is Failed => !outcome.ok);
  return {
    success: successText(renewed, t),
    failure: failureText(failed, t),
    failed: failed.map((outcome) => outcome.server),
  };
}

function successText(renewed: readonly Renewed[], t: Translate): string | undefined {
  const [only, ...more] = renewed;
  if (!only) return undefined;
  if (more.length > 0) {
    // They ran side by side, so the slowest is the whole.
    const longest = Math.max(...renewed.map((outcome) => outcome.durationMs));
    return t('MCP: {0} new sessions ({1})', renewed.length, durationLabel(longest, t));
  }
  const name = plainText(only.server);
  if (!only.connection) return t('MCP: {0} has no session; it starts when used', name);
  const duration = durationLabel(only.durationMs, t);
  return only.connection.stateless
    ? t('MCP: reconnected to {0} (stateless, {1})', name, duration)
    : t('MCP: new session for {0} (generation {1}, {2})', name, only.connection.generation, duration);
}

function failureText(failed: readonly Failed[], t: Translate): string | undefined {
  const [first, ...more] = failed;
  if (!first) return undefined;
  const reason = [first.reason, ...(first.advice ? [first.advice] : [])].map(sentence).join(' ');
  if (more.length === 0) return t('MCP: no new session for {0}: {1}', plainText(first.server), reason);
  const names = plainText(failed.map((outcome) => outcome.server).join(', '));
  return t('MCP: no new session for {0} servers ({1}). The first: {2}', failed.length, names, reason);
}

function sentence(text: string): string {
  const plain = plainText(maskTokens(text));
  return /[.!?…]$/.test(plain) ? plain : `${plain}.`;
}
