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
import { lost } from './event-log.ts';

/** The longest answer that is made of an event stream, in characters. Over that its request is answered with an error. */
const MAX_LENGTH = 64 * 1024 * 1024;

/**
 * The answer to a POST for a client that takes JSON alone: what a transport has written as an event stream, put together.
 * @param body what was asked
 * @param onOther is given what is no answer: the client can have it on a stream of its own alone
 */
export async function asJson(
  response: Response,
  body: unknown,
  onOther: (message: JSONRPCMessage) => void,
): Promise<Response> {
  if (mediaType(response.headers.get('content-type')) !== 'text/event-stream') return response;
  const answers = new Map<RequestId, string>();
  let why = 'The answer was not given on the stream that was opened for it.';
  const take = (text: string) => {
    const message = text === '' ? undefined : readMessages(text)[0]?.message;
    if (isResponse(message) && message.id != null) answers.set(message.id, text);
    else if (isMessage(message)) onOther(message);
  };
  try {
    await readAll(response, take);
  } catch (error) {
    why = describeError(error);
  }
  const asked = (Array.isArray(body) ? body : [body]).filter(isRequest);
  const texts = asked.map(({ id }) => answers.get(id) ?? textOf(lost(id, why)));
  const headers = new Headers(response.headers);
  headers.set('content-type', 'application/json');
  return new Response(texts.length === 1 ? texts[0] : `[${texts.join(',')}]`, { headers });
}

async function readAll(response: Response, take: (text: string) => void): Promise<void> {
  const events = createEventStreamReader({ maxEventLength: MAX_LENGTH, onEvent: ({ data }) => take(data) });
  const reader = response.body?.getReader();
  for (let chunk = await reader?.read(); chunk?.value; chunk = await reader?.read()) events.feed(chunk.value);
}
