import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { Clock } from '../../base/environment.ts';
import { describeError } from '../../protocol/errors.ts';
import { isResponse, type Response as RpcResponse } from '../../protocol/message.ts';
import type { WrappedTransport } from '../../protocol/wrapped-transport.ts';
import { type Evidence, SHOWN_OF_BODY } from '../check.ts';
import type { Redaction } from '../redaction.ts';

/** At most so many lines of what a program writes beside the protocol are shown, and so much of each. */
const MAX_LINES = 10;

type Seen = (evidence: Evidence) => void;

/** A server that ended, or closed the connection, in the middle of it. */
export class Ended extends Error {}

/** Requests over a transport of the SDK's kind, one after the other, each answered or not. */
export class Conversation {
  readonly transport: WrappedTransport;
  readonly redaction: Redaction;
  readonly #clock: Clock;
  readonly #answers = new Map<string, (response: RpcResponse) => void>();
  readonly #over = Promise.withResolvers<never>();
  readonly #lines: string[] = [];
  #strays = 0;
  #asked = 0;
  #isEnding = false;

  constructor(transport: WrappedTransport, clock: Clock, redaction: Redaction) {
    this.transport = transport;
    this.redaction = redaction;
    this.#clock = clock;
    this.#over.promise.catch(() => {});
    transport.onmessage = (message: JSONRPCMessage) => {
      if (isResponse(message)) this.#answers.get(String(message.id))?.(message);
    };
    transport.onerror = () => {
      this.#strays += 1;
    };
    transport.onclose = () =>
      this.#over.reject(new Ended(transport.ending?.message ?? 'the connection was closed'));
    transport.onoutput = (line) => {
      if (this.#lines.length < MAX_LINES) this.#lines.push(redaction.clean(line).slice(0, SHOWN_OF_BODY));
    };
  }

  /** How often something came that is no message. */
  get strays(): number {
    return this.#strays;
  }

  /** Whether the server ended by itself. */
  get hasEnded(): boolean {
    return this.transport.ending !== undefined && !this.#isEnding;
  }

  /** @throws whatever the transport cannot be started for */
  async start(what: string, seen: Seen): Promise<void> {
    await this.#told(what, seen, () => this.transport.start());
  }

  /** @throws Ended when the server did before it answered */
  async request(method: string, params: object, signal: AbortSignal, seen: Seen): Promise<RpcResponse> {
    this.#asked += 1;
    const id = `diagnosis-${this.#asked}`;
    const answer = Promise.withResolvers<RpcResponse>();
    this.#answers.set(id, answer.resolve);
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    return this.#told(method, seen, async (show) => {
      const sent = this.#send({ jsonrpc: '2.0', id, method, params: params as Record<string, unknown> });
      const response = await Promise.race([sent.then(() => answer.promise), this.#over.promise, aborted]);
      show(JSON.stringify(response));
      return response;
    });
  }

  notify(method: string, seen: Seen): Promise<void> {
    return this.#told(method, seen, () => this.#send({ jsonrpc: '2.0', method }));
  }

  /** Ends it politely, and says how long that took, in ms. */
  async end(seen: Seen): Promise<number> {
    this.#isEnding = true;
    const startedAt = this.#clock.monotonic();
    await this.#told('end', seen, () => this.transport.close());
    return this.#clock.monotonic() - startedAt;
  }

  async #send(message: JSONRPCMessage): Promise<void> {
    try {
      await this.transport.send(message);
    } catch (error) {
      throw new Ended(this.transport.ending?.message ?? describeError(error));
    }
  }

  /** Does something and makes evidence of it, with what the server wrote beside the protocol meanwhile. */
  async #told<T>(what: string, seen: Seen, act: (show: (body: string) => void) => Promise<T>): Promise<T> {
    const startedAt = this.#clock.monotonic();
    const came: { body?: string; failure?: string } = {};
    const show = (body: string) => {
      const text = this.redaction.clean(body);
      came.body = text.length > SHOWN_OF_BODY ? `${text.slice(0, SHOWN_OF_BODY)}…` : text;
    };
    try {
      return await act(show);
    } catch (error) {
      came.failure = this.redaction.clean(
        error instanceof Error ? describeError(error) : 'nothing came in time',
      );
      throw error;
    } finally {
      seen({ what, ...came, durationMs: this.#clock.monotonic() - startedAt });
      for (const line of this.#lines.splice(0)) seen({ what: 'it wrote', body: line });
    }
  }
}
