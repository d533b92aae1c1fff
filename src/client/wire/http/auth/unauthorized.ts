import { ResilientMcpError } from '../../../../protocol/errors.ts';

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

/**
 * A server, or what it names, wants what it may not have.
 * @param option where the user can allow it; undefined where nobody can
 */
export function notAllowed(
  message: string,
  option?: `${string} in authorizationAllows.${string}`,
): ResilientMcpError {
  return new ResilientMcpError('UNAUTHORIZED', message, {
    status: 401,
    advice: option === undefined ? undefined : `If that is as it should be, name ${option}.`,
  });
}
