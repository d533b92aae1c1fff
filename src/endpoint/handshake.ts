import { isRequest } from '../protocol/message.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The `initialize` parameters of a client: all that a server knows of it, and needs again after a restart.
 * Kept unchanged, including parts that this SDK does not know: the next build of the server may.
 */
export interface Handshake {
  /** The revision that the client asked for. */
  readonly protocolVersion: string;
  readonly clientInfo: JsonObject;
  readonly capabilities: JsonObject;
}

/** The handshake in the body of an `initialize` request; undefined for any other body. */
export function handshakeIn(body: unknown): Handshake | undefined {
  return isRequest(body) && body.method === 'initialize' ? parseHandshake(body.params) : undefined;
}

/** A stored handshake; undefined when the value is not one. */
export function parseHandshake(kept: unknown): Handshake | undefined {
  if (!isObject(kept)) return undefined;
  const { protocolVersion, clientInfo, capabilities } = kept;
  if (typeof protocolVersion !== 'string' || !isObject(clientInfo) || !isObject(capabilities))
    return undefined;
  return { protocolVersion, clientInfo, capabilities };
}

/** True also for a batch that contains `initialize`: the transport then reports the error. */
export function isInitialize(body: unknown): boolean {
  const messages: unknown[] = Array.isArray(body) ? body : [body];
  return messages.some((message) => isRequest(message) && message.method === 'initialize');
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
