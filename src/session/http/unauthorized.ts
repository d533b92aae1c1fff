import { ResilientMcpError } from '../../protocol/errors.ts';

/** Somebody has to act before the server will answer. */
export function needsAuthorization(message: string, cause?: unknown): ResilientMcpError {
  return new ResilientMcpError('UNAUTHORIZED', message, {
    ...(cause === undefined ? {} : { cause }),
    status: 401,
    advice: 'Sign in, then try again.',
  });
}

/** A page is open for it. */
export function waitsForPerson(): ResilientMcpError {
  return new ResilientMcpError(
    'UNAUTHORIZED',
    'A person has been asked to sign in, and has not done so yet.',
    {
      status: 401,
      advice: 'Finish signing in. After a reset of the session the page is opened again.',
    },
  );
}
