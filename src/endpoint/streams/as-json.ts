import { describeError } from '../../protocol/errors.ts';
import { createEventStreamReader } from '../../protocol/events/event-stream.ts';
import { mediaType } from '../../protocol/http/headers.ts';
import {
  isMessage,
  isRequest,
  isResponse,
  type JSONRPCMessage,
  type RequestId,
} from '../../protocol/message.ts';
import { readMessages, textOf } from '../../protocol/text/message-text.ts';
import { type HttpAnswer, headerOf } from '../http.ts';
import { lost } from './event-log.ts';

/** Maximum length of an event, in characters. The request of a longer one is answered with an error. */
const MAX_EVENT_LENGTH = 64 * 1024 * 1024;

/**
 * The answer to a POST for a client that accepts JSON alone, assembled from the event stream of a transport.
 * @param body body of the POST
 * @param onOther receives each message that is no answer: only the client's GET stream can carry it
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

/**
 * Passes each text of an answer's body to `take`: the whole body, or the data of each event. Reads to the
 * end.
 */
export async function eachText({ body }: HttpAnswer, take: (text: string) => void): Promise<void> {
  if (typeof body === 'string') return take(body);
  const onEvent = ({ data }: { readonly data: string }) => take(data);
  const events = createEventStreamReader({ maxEventLength: MAX_EVENT_LENGTH, onEvent });
  const reader = body?.getReader();
  for (let chunk = await reader?.read(); chunk?.value; chunk = await reader?.read()) events.feed(chunk.value);
}
