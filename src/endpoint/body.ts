import { readMessages } from '../protocol/text/message-text.ts';
import type { HttpRequest } from './http.ts';
import { type Refusal, rpcCode } from './refusals.ts';

export type ReadBody = { readonly json: unknown } | { readonly refusal: Refusal };

/** Stateless between bodies: each is decoded whole. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

const notJson: Refusal = { status: 400, code: rpcCode.parseError, message: 'Parse error: Invalid JSON' };

/** The JSON in a request's body. At most `maxBytes` are held. */
export async function readJson(request: HttpRequest, maxBytes: number): Promise<ReadBody> {
  const tooLarge: Refusal = {
    status: 413,
    code: rpcCode.refused,
    message: `The body is larger than ${maxBytes} bytes.`,
    // The unread rest would precede the next request on the same connection.
    headers: { connection: 'close' },
  };
  if (Number(request.headers.get('content-length')) > maxBytes) return { refusal: tooLarge };
  try {
    const bytes = await request.body(maxBytes);
    if (!bytes) return { refusal: tooLarge };
    return bodyOf(utf8.decode(bytes));
  } catch {
    // Also when the body breaks off: the client is gone, and nothing here has failed.
    return { refusal: notJson };
  }
}

/** Messages as they came (message-text.ts). What cannot be one is refused here, and anything else by who serves it. */
function bodyOf(text: string): ReadBody {
  const messages = readMessages(text);
  for (const each of messages) {
    if (!each.problem || each.id === undefined) continue;
    const refusal = { status: 400, code: rpcCode.invalidRequest, message: each.problem.message, id: each.id };
    return { refusal };
  }
  const isBatch = /^\s*\[/.test(text);
  const [first] = messages;
  return { json: isBatch ? messages.map(({ message }) => message) : (first?.message ?? null) };
}
