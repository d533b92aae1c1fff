import { ResilientMcpError } from '../../protocol/errors.ts';
import { isWellFormed, type Response } from '../../protocol/message.ts';
import { textOf } from '../../protocol/message-text.ts';
import type { Outcome } from '../wire/wire.ts';

/** How much of an answer that is none is told, in characters: in the words, and beside them. */
const MAX_WORDS = 200;
const MAX_BODY = 2048;

/**
 * How a request ends that was answered under its id. An answer that nobody can read as one ends it too, and is told: its
 * caller would wait in vain for another.
 */
export function answered(response: Response): Outcome {
  if (isWellFormed(response)) return { kind: 'answered', response };
  const body = textOf(response).slice(0, MAX_BODY);
  const words = `The server's answer is neither a result nor an error: ${body.slice(0, MAX_WORDS)}`;
  return {
    kind: 'failed',
    error: new ResilientMcpError('PROTOCOL_VIOLATION', words, { body }),
  };
}
