import { type Verdict, verdictOf } from '../../src/protocol/verdict.ts';
import { type Question, questions, type RecordedAnswer } from './record.ts';

/** The JSON-RPC id of every request that is made by hand. */
export const REQUEST_ID = 7;

/** As much of a refusal as the connection reads, in characters. */
const READ_LENGTH = 8192;

/** What the connection makes of an answer to a question. */
export function judge(
  question: Question,
  { status, body, challenge }: Pick<RecordedAnswer, 'status' | 'body' | 'challenge'>,
): Verdict {
  const { method, sendsId } = questions[question];
  return verdictOf({
    method,
    sentSessionId: sendsId,
    initialize: question === 'staleInitialize',
    requestId: method === 'POST' ? REQUEST_ID : undefined,
    status,
    // What is good is not read for its verdict.
    body: status < 300 ? '' : body.slice(0, READ_LENGTH),
    challenge: challenge ?? null,
  });
}
