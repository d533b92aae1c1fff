import { ResilientMcpError } from '../../protocol/errors.ts';

/** Somebody has to act before the server will answer. */
export function needsAuthorization(message: string, cause?: unknown): ResilientMcpError {
  return new ResilientMcpError('UNAUTHORIZED', message, {
    ...(cause === undefined ? {} : { cause }),
    status: 401,
    advice: 'Sign in, then try again.',
  });
}
