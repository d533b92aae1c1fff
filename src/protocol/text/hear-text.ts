import { isResilientMcpError } from '../errors.ts';
import { isSaid } from '../message.ts';
import type { WrappedTransport } from '../wrapped-transport.ts';
import { readMessages } from './message-text.ts';

type Hearer = Pick<WrappedTransport, 'onmessage' | 'ontoolong'>;

/** Delivers the messages in a text of a server: one, or a batch. False if any part is not a message. */
export function hearText(text: string, hearer: Hearer): boolean {
  try {
    let areAll = true;
    for (const read of readMessages(text)) {
      const { message, problem } = read;
      if (isSaid(message)) hearer.onmessage?.(message);
      else if (problem && read.id !== undefined) hearer.ontoolong?.(read, problem);
      else areAll = false;
    }
    return areAll;
  } catch (error) {
    if (isResilientMcpError(error, 'PROTOCOL_VIOLATION')) return false;
    throw error;
  }
}
