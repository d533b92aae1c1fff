import { isRequest } from '../protocol/message.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * What a client said of itself when it opened a session: all that a server knows of it, and has to know again. Kept as
 * it was said, also where this SDK does not know a part of it: the next build of the server may.
 */
export interface Handshake {
  /** The revision that the client asked for. */
  readonly protocolVersion: string;
  readonly clientInfo: JsonObject;
  readonly capabilities: JsonObject;
}

/** The handshake in the body of an `initialize` request; undefined when the body is none. */
export function handshakeIn(body: unknown): Handshake | undefined {
  return isRequest(body) && body.method === 'initialize' ? parseHandshake(body.params) : undefined;
}

/** A handshake that was kept somewhere; undefined when it is not one. */
export function parseHandshake(kept: unknown): Handshake | undefined {
  if (!isObject(kept)) return undefined;
  const { protocolVersion, clientInfo, capabilities } = kept;
  if (typeof protocolVersion !== 'string' || !isObject(clientInfo) || !isObject(capabilities))
    return undefined;
  return { protocolVersion, clientInfo, capabilities };
}

/** Also as one message of a batch: the transport then says what is wrong with that. */
export function isInitialize(body: unknown): boolean {
  const messages: unknown[] = Array.isArray(body) ? body : [body];
  return messages.some((message) => isRequest(message) && message.method === 'initialize');
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
