import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import {
  cancelledId,
  isNotification,
  isRequest,
  isResponse,
  progressTokenOf,
  tokenOf,
} from '../../protocol/message.ts';
import { withId, withValue } from '../../protocol/text/message-text.ts';

/** Identifies one process among all that ever serve a session: letters, digits, `-` and `_`. */
export type ProcessTag = string;

/**
 * The process whose request a client's message answers. A message that is no response or progress goes to the
 * local server unchanged.
 */
export type Asker =
  | { readonly kind: 'ours'; readonly message: JSONRPCMessage }
  | { readonly kind: 'foreign'; readonly tag: ProcessTag }
  /** A response to a request that was never sent. */
  | { readonly kind: 'nobody' };

/** A message of the server, its request ids tagged with this process. */
export function withTaggedIds(message: JSONRPCMessage, tag: ProcessTag): JSONRPCMessage {
  if (isRequest(message)) {
    const token = progressTokenOf(message);
    const out = withId(message, tagged(message.id, tag));
    return token === undefined
      ? out
      : withValue(out, ['params', '_meta', 'progressToken'], tagged(token, tag));
  }
  if (isNotification(message) && message.method === 'notifications/cancelled') {
    const id = cancelledId(message);
    if (isId(id)) return withValue(message, ['params', 'requestId'], tagged(id, tag));
  }
  return message;
}

/**
 * A message of the client with the server's own request id restored, or the process that sent the request.
 */
export function askerOf(message: JSONRPCMessage, tag: ProcessTag): Asker {
  if (isResponse(message)) {
    // An error without an id concerns a message that could not be parsed. It has no recipient.
    const from = untagged(message.id);
    if (!from) return { kind: 'nobody' };
    return from.tag === tag
      ? { kind: 'ours', message: withId(message, from.id) }
      : { kind: 'foreign', tag: from.tag };
  }
  if (isNotification(message) && message.method === 'notifications/progress') {
    const from = untagged(tokenOf(message));
    if (!from) return { kind: 'nobody' };
    if (from.tag !== tag) return { kind: 'foreign', tag: from.tag };
    return { kind: 'ours', message: withValue(message, ['params', 'progressToken'], from.id) };
  }
  return { kind: 'ours', message };
}

function isId(value: unknown): value is RequestId {
  return typeof value === 'string' || typeof value === 'number';
}

/** The type of the id is part of the text, since 7 and "7" are two ids. */
function tagged(id: RequestId, tag: ProcessTag): string {
  return `${tag}.${typeof id === 'number' ? 'n' : 's'}${id}`;
}

function untagged(id: unknown): { readonly tag: ProcessTag; readonly id: RequestId } | undefined {
  const [, tag, type, text] = /^([\w-]{1,64})\.([ns])(.*)$/s.exec(typeof id === 'string' ? id : '') ?? [];
  if (tag === undefined || text === undefined) return undefined;
  return { tag, id: type === 'n' ? Number(text) : text };
}
