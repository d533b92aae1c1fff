import type { RelayUpstream } from '../../hub/server-definition.ts';
import { refusedEra } from '../../protocol/eras.ts';
import { describeError } from '../../protocol/errors.ts';
import { isMessage, isRequest, type Request, type RequestId } from '../../protocol/message.ts';
import { type ReadMessage, readMessages } from '../../protocol/text/message-text.ts';
import { Conversation, type Write } from './conversation.ts';

/** Codes of JSON-RPC 2.0, section 5.1, and the one of its range for implementations that this project uses. */
const code = { parseError: -32700, invalidRequest: -32600, refused: -32000 } as const;

export interface BridgeOptions {
  /** A new connection to the server, not started. */
  readonly open: () => RelayUpstream;
  readonly write: Write;
}

/**
 * Between a client that speaks lines of JSON and a connection that carries it. Messages are passed on as they are, both
 * ways. A handshake that failed leaves the client free to begin another.
 */
export class Bridge {
  readonly #options: BridgeOptions;
  #conversation: Conversation;
  #phase: 'open' | 'draining' | 'closed' = 'open';

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.#conversation = this.#begin();
  }

  /** Takes one line of the client. Never throws. */
  takeLine(line: string): void {
    let messages: readonly ReadMessage[];
    try {
      messages = readMessages(line);
    } catch (error) {
      this.#refuse(null, code.parseError, describeError(error));
      return;
    }
    // Batches were part of revision 2025-03-26 alone; each message of one gets an answer of its own.
    for (const each of messages) this.#take(each);
  }

  /** Answers a line that is too long to parse. */
  refuseLine(maxBytes: number): void {
    this.#refuse(null, code.invalidRequest, `A message is longer than ${maxBytes} bytes (--max-message).`);
  }

  /** Refuses new requests, and resolves when those under way are answered. */
  async drain(): Promise<void> {
    if (this.#phase === 'open') this.#phase = 'draining';
    await this.#conversation.atRest();
  }

  /** Ends the connection and its session; requests in progress are answered with an error. */
  async close(): Promise<void> {
    this.#phase = 'closed';
    await this.#conversation.end();
  }

  #take(read: ReadMessage): void {
    const { message } = read;
    if (read.problem) {
      this.#refuse(read.id ?? null, code.invalidRequest, read.problem.message);
    } else if (!isMessage(message)) {
      this.#refuse(idOf(message), code.invalidRequest, 'That is no JSON-RPC 2.0 message.');
    } else if (isRequest(message) && this.#phase !== 'open') {
      this.#refuse(message.id, code.refused, 'The bridge is shutting down.');
    } else if (isRequest(message) && !this.#isInTurn(message)) {
      this.#answerOutOfTurn(message);
    } else {
      this.#conversation.take(message);
    }
  }

  /** A handshake comes first, and once. */
  #isInTurn({ method }: Request): boolean {
    return this.#conversation.isGreeted !== (method === 'initialize');
  }

  /** What comes before `initialize` is a ping, or the question of a client of a later era whether this is one too. */
  #answerOutOfTurn(request: Request): void {
    const { id, method } = request;
    const refused = this.#conversation.isGreeted ? undefined : refusedEra(request, 'The bridge');
    if (refused) void this.#options.write(refused);
    else if (method === 'ping') void this.#options.write({ jsonrpc: '2.0', id, result: {} });
    else if (method === 'initialize') this.#refuse(id, code.invalidRequest, 'A handshake was made before.');
    else this.#refuse(id, code.invalidRequest, `${method} came before initialize.`);
  }

  #begin(): Conversation {
    return new Conversation(this.#options.open(), this.#options.write, () => {
      if (this.#phase !== 'closed') this.#conversation = this.#begin();
    });
  }

  #refuse(id: RequestId | null, code: number, message: string): void {
    void this.#options.write({ jsonrpc: '2.0', id, error: { code, message } });
  }
}

function idOf(message: unknown): RequestId | null {
  const id = (message as { id?: unknown } | null)?.id;
  return typeof id === 'string' || typeof id === 'number' ? id : null;
}
