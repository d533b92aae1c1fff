import type { Interruption } from '../../protocol/replay.ts';

/**
 * Errors that prove the request never left this machine. Everything else may have reached the server: a reset or
 * "other side closed" on a kept-alive socket looks the same whether the server died before reading or after running.
 */
const NEVER_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** Whether a `fetch` that failed before any answer can have had its request executed. */
export function interruptionOf(error: unknown): Interruption {
  const codes = errorCodes(error);
  return codes.length > 0 && codes.every((code) => NEVER_SENT.has(code)) ? 'notExecuted' : 'unknown';
}

/** Whether a `fetch` failed for a reason of the network, and not, say, of its arguments. */
export function isNetworkError(error: unknown): boolean {
  return errorCodes(error).length > 0;
}

/**
 * The codes at the bottom of an error: of itself or its cause, or, where several addresses of one name were tried,
 * of each try. It counts as never sent only if no try got through.
 */
function errorCodes(error: unknown, depth = 0): readonly string[] {
  if (typeof error !== 'object' || error === null || depth > 4) return [];
  if (error instanceof AggregateError) return error.errors.flatMap((each) => errorCodes(each, depth + 1));
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  const below = errorCodes(cause, depth + 1);
  return below.length > 0 ? below : typeof code === 'string' ? [code] : [];
}
