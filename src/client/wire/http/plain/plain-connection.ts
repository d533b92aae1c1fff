import type { Socket } from 'node:net';
import { NotConnectedError } from '../network-error.ts';
import type { Moment } from '../node/sockets.ts';
import { type AnswerHead, type AnswerHeads, AnswerReader, type AnswerSinks } from './answer-reader.ts';

/** One request on a connection, and who hears of its answer. */
export interface PlainExchange extends AnswerSinks {
  /** The request as it goes out: its head, and its body. */
  readonly head: string;
  readonly body: string;
  readonly isBodiless: boolean;
  /** There is no answer, or no more of it. */
  readonly onFailure: (error: Error) => void;
}

export interface PlainOwner {
  readonly heads: AnswerHeads;
  /** It waits for another request; or, if not kept, it is to be closed. */
  readonly onFree: (connection: PlainConnection, keepsAlive: boolean) => void;
  readonly onGone: (connection: PlainConnection) => void;
}

/** One connection of HTTP/1.1 that carries one request at a time. */
export class PlainConnection {
  /** Where it leads. */
  readonly place: string;
  /** For how long the server keeps it, in s, as it last said. */
  keepsForS: number | undefined;
  /** Since when it waits for its next request. */
  waitsSince: Moment | undefined;
  readonly #socket: Socket;
  readonly #owner: PlainOwner;
  #exchange: PlainExchange | undefined;
  readonly #reader: AnswerReader;
  #error: Error | undefined;
  #hasHead = false;
  #isMade: boolean;

  /** @param onMade called when it is made, or when that has failed */
  constructor(socket: Socket, place: string, owner: PlainOwner, onMade: () => void) {
    this.#socket = socket;
    this.place = place;
    this.#owner = owner;
    this.#reader = new AnswerReader(
      {
        onHead: (head) => this.#began(head),
        onBody: (part) => this.#exchange?.onBody(part),
        onEnd: (keepsAlive) => this.#answered(keepsAlive),
      },
      owner.heads,
    );
    this.#isMade = !socket.connecting;
    if (this.#isMade) onMade();
    else {
      socket.once('connect', () => {
        this.#isMade = true;
        onMade();
      });
    }
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('end', () => this.#ended());
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    socket.once('close', () => {
      if (!this.#isMade) onMade();
      this.#fail(this.#hasHead ? cutOff() : (this.#error ?? hungUp()));
      owner.onGone(this);
    });
  }

  /** Whether a request may go out on it, as far as anybody has heard. */
  get isOpen(): boolean {
    return this.#socket.writable && !this.#socket.readableEnded;
  }

  send(exchange: PlainExchange): void {
    this.#exchange = exchange;
    this.keepsForS = undefined;
    this.#reader.begin(exchange.isBodiless);
    this.#hasHead = false;
    this.#socket.ref();
    const { head, body } = exchange;
    if (body === '') this.#socket.write(head, 'latin1');
    // In one piece, so that the server reads it in one.
    else if (isAscii(head)) this.#socket.write(head + body, 'utf8');
    else this.#socket.write(Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)]));
  }

  /** It waits, and keeps no process alive for that. */
  rest(since: Moment): void {
    this.waitsSince = since;
    this.#socket.unref();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** @param error what its request fails with */
  destroy(error?: Error): void {
    if (error) this.#error ??= error;
    this.#socket.destroy();
    if (error) this.#fail(error);
  }

  #take(chunk: Buffer): void {
    if (this.#reader.isOver) {
      // Nothing was asked.
      this.#socket.destroy();
      return;
    }
    try {
      this.#reader.feed(chunk);
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #began(head: AnswerHead): void {
    this.#hasHead = true;
    this.keepsForS = head.keepsForS;
    this.#exchange?.onHead(head);
  }

  #answered(keepsAlive: boolean): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    // One that has answered before it heard everything may take the rest for another request.
    const isKept = keepsAlive && this.isOpen && this.#socket.writableLength === 0;
    if (!isKept) this.#socket.destroy();
    // Its body may lie unread, and belongs to the connection no more.
    else if (this.#socket.isPaused()) this.#socket.resume();
    this.#owner.onFree(this, isKept);
    exchange?.onEnd(isKept);
  }

  #ended(): void {
    this.#reader.end();
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    const isKnown = this.#isMade || error instanceof NotConnectedError;
    exchange?.onFailure(isKnown ? error : NotConnectedError.of(error));
  }
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what is not ASCII is meant
  return !/[^\x00-\x7f]/.test(text);
}

/** As Node.js says it, for whoever knows its words: there was no answer, or not the whole of it. */
const hungUp = () => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
const cutOff = () => Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
