import { describeError } from '../../protocol/errors.ts';
import { createEventStreamReader } from '../../protocol/event-stream.ts';
import { mediaType } from '../../protocol/headers.ts';
import {
  isMessage,
  isRequest,
  isResponse,
  type JSONRPCMessage,
  type RequestId,
} from '../../protocol/message.ts';
import { readMessages, textOf } from '../../protocol/message-text.ts';
import { type HttpAnswer, headerOf } from '../http.ts';
import { lost } from './event-log.ts';

/** The longest event that is read, in characters. Over that its request is answered with an error. */
const MAX_EVENT_LENGTH = 64 * 1024 * 1024;

/**
 * The answer to a POST for a client that takes JSON alone: what a transport has written as an event stream, put together.
 * @param body what was asked
 * @param onOther is given what is no answer: the client can have it on a stream of its own alone
 */
export async function asJson(
  answer: HttpAnswer,
  body: unknown,
  onOther: (message: JSONRPCMessage) => void,
): Promise<HttpAnswer> {
  if (mediaType(headerOf(answer, 'content-type') ?? null) !== 'text/event-stream') return answer;
  const answers = new Map<RequestId, string>();
  let why = 'The answer was not given on the stream that was opened for it.';
  try {
    await eachText(answer, (text) => {
      const message = text === '' ? undefined : readMessages(text)[0]?.message;
      if (isResponse(message) && message.id != null) answers.set(message.id, text);
      else if (isMessage(message)) onOther(message);
    });
  } catch (error) {
    why = describeError(error);
  }
  const asked = (Array.isArray(body) ? body : [body]).filter(isRequest);
  const texts = asked.map(({ id }) => answers.get(id) ?? textOf(lost(id, why)));
  const headers = { ...answer.headers, 'content-type': 'application/json' };
  const json = texts.length === 1 ? texts[0] : `[${texts.join(',')}]`;
  return { ...answer, headers, body: json };
}

/** Hands over the texts in an answer's body: the whole, or the data of each event of a stream. Reads it to its end. */
export async function eachText({ body }: HttpAnswer, take: (text: string) => void): Promise<void> {
  if (typeof body === 'string') return take(body);
  const onEvent = ({ data }: { readonly data: string }) => take(data);
  const events = createEventStreamReader({ maxEventLength: MAX_EVENT_LENGTH, onEvent });
  const reader = body?.getReader();
  for (let chunk = await reader?.read(); chunk?.value; chunk = await reader?.read()) events.feed(chunk.value);
}
