import { McpError } from '@modelcontextprotocol/sdk/types.js';
import { type ErrorCode, isResilientMcpError } from '../../src/protocol/errors.ts';

/** What a client can tell of a failed request: from a typed error, or from the answer that stands for one. */
interface Failure {
  readonly code?: string | undefined;
  readonly status?: number | undefined;
}

/** The code of a typed error, also of one that came as an answer; the words of any other. */
export function codeOf(error: unknown): string {
  return failureIn(error)?.code ?? String(error);
}

/** Whether a request failed for this reason. */
export function isFailure(error: unknown, code: ErrorCode): error is Error {
  return failureIn(error)?.code === code;
}

/** The HTTP status that a request failed with. */
export function statusOf(error: unknown): number | undefined {
  return failureIn(error)?.status;
}

/** What a person is told: the message, and what to do about it. */
export function wordsOf(error: unknown): string {
  const { message = '', advice = '' } = error as { message?: string; advice?: string };
  return `${message} ${advice}`;
}

function failureIn(error: unknown): Failure | undefined {
  if (isResilientMcpError(error)) return error;
  return error instanceof McpError ? (error.data as Failure | undefined) : undefined;
}
