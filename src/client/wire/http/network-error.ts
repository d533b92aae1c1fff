import { describeError, isResilientMcpError } from '../../../protocol/errors.ts';
import type { Outcome } from '../../../protocol/outcome.ts';
import type { Interruption } from '../../../protocol/replay.ts';

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
]);

/** The certificate of the server, which is looked at before anything is sent. */
const CERTIFICATE =
  /^(?:CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT|UNABLE_TO_|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA|CRL_)/;

/** A handshake of TLS that came to nothing, and a proxy that let nobody through: nothing was sent to the server. */
const NO_HANDSHAKE =
  /^(?:EPROTO|ERR_PROXY_|ERR_SSL_.*(?:HANDSHAKE|CERTIFICATE|VERSION|UNKNOWN_CA|PACKET_LENGTH|HTTP_REQUEST))/;

/** Nobody was met at all: it may be that only a proxy can. */
const UNREACHABLE: ReadonlySet<string> = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'ENETUNREACH',
  'EHOSTUNREACH',
]);

/** What speaks something else than TLS. */
const NOT_TLS = /wrong version number|packet length too long|http request|ERR_SSL_WRONG_VERSION_NUMBER/i;

/** The request was never sent: no connection could be made for it. */
export class NotConnectedError extends Error {
  override readonly name = 'NotConnectedError';
  readonly code: string | undefined;

  constructor(message: string, details: { readonly code: string | undefined; readonly cause?: unknown }) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
  }

  static of(error: Error): NotConnectedError {
    const { code } = error as { code?: string };
    return new NotConnectedError(wordsOf(error), { code, cause: error });
  }
}

/** Whether a request that failed before any answer can have been executed. */
export function interruptionOf(error: unknown): Interruption {
  if (error instanceof NotConnectedError) return 'notExecuted';
  const roots = rootsOf(error);
  return roots.length > 0 && roots.every(isNeverSent) ? 'notExecuted' : 'unknown';
}

/** Whether a request failed for a reason of the network, and not, say, of its arguments. */
export function isNetworkError(error: unknown): boolean {
  return rootsOf(error).length > 0;
}

/** In words for a person: what the network did, where the platform's own word says less. */
export function describeNetworkError(error: unknown): string {
  return error instanceof NotConnectedError ? error.message : wordsOf(error);
}

/** What a person can do about it, where that is more than to look whether the server runs. */
export function adviceOn(error: unknown): string | undefined {
  const roots = rootsOf(error);
  if (roots.some(({ code }) => CERTIFICATE.test(code))) {
    return 'If you trust the certificate, name a file with it, or with its authority, in the variable NODE_EXTRA_CA_CERTS.';
  }
  if (roots.some(isNotTls)) return 'Is the address one of http, and not of https?';
  if (roots.some(({ message }) => message === 'socket hang up')) {
    return 'Does the server speak HTTP there, or does it want https?';
  }
  if (roots.some(({ code }) => code.startsWith('ERR_PROXY_'))) {
    return 'The proxy is named by the variables HTTPS_PROXY and HTTP_PROXY; hosts in NO_PROXY are reached without it.';
  }
  if (roots.some(({ code }) => UNREACHABLE.has(code))) {
    return 'Is the address right? If this machine reaches others only by a proxy, name it: by the variable HTTPS_PROXY at a command line, by the setting http.proxy in an editor.';
  }
  return undefined;
}

interface Root {
  readonly code: string;
  readonly syscall?: unknown;
  readonly message?: unknown;
}

/** By the system call: what `connect` was answered was answered before anything could be sent. */
function isNeverSent({ code, syscall }: Root): boolean {
  return syscall === 'connect' || NEVER_SENT.has(code) || CERTIFICATE.test(code) || NO_HANDSHAKE.test(code);
}

function isNotTls({ code, message }: Root): boolean {
  return NOT_TLS.test(code) || NOT_TLS.test(String(message));
}

function wordsOf(error: unknown): string {
  const roots = rootsOf(error);
  const [root] = roots;
  if (!root) return describeError(error);
  const { code, message } = root;
  if (CERTIFICATE.test(code)) return `its certificate is not trusted here: ${message} (${code})`;
  if (isNotTls(root)) return 'what listens there does not speak TLS';
  if (message === 'socket hang up') return 'the server closed the connection without an answer';
  if (message === 'aborted') return 'the connection was cut in the middle of the answer';
  if (code.startsWith('UND_ERR_') && /_TIMEOUT$/.test(code) && code !== 'UND_ERR_CONNECT_TIMEOUT')
    return `fetch gave up by a limit of its own (${code})`;
  // Several addresses of one name, each with an error of its own.
  if (roots.length > 1) return [...new Set(roots.map((each) => String(each.message)))].join(', ');
  return describeError(error);
}

/**
 * What is at the bottom of an error: itself or its cause, or, where several addresses of one name were tried, each try.
 * It counts as never sent only if no try got through.
 */
function rootsOf(error: unknown, depth = 0): readonly Root[] {
  if (typeof error !== 'object' || error === null || depth > 4) return [];
  if (error instanceof AggregateError) return error.errors.flatMap((each) => rootsOf(each, depth + 1));
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  const below = rootsOf(cause, depth + 1);
  return below.length > 0 || typeof code !== 'string' ? below : [error as Root];
}

/** How a message ended on whose way the network failed. */
export function networkOutcome(error: unknown): Outcome {
  // The server of a local module: nobody was there to be sent anything.
  if (isResilientMcpError(error, 'SERVER_NOT_STARTED')) {
    return { kind: 'unavailable', interruption: 'notExecuted', because: error.message, cause: error };
  }
  if (isResilientMcpError(error)) return { kind: 'failed', error };
  const because = describeNetworkError(error);
  return interruptionOf(error) === 'notExecuted'
    ? { kind: 'unavailable', interruption: 'notExecuted', because, cause: error }
    : { kind: 'broken', because, cause: error };
}
