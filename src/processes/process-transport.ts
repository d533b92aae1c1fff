import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { type Clock, sleep } from '../base/environment.ts';
import { Lines } from '../base/lines.ts';
import { describeError, ResilientMcpError } from '../protocol/errors.ts';
import { MAX_TIMES_LIMIT } from '../protocol/events/event-stream.ts';
import { EnvelopeScan, type ScannedMessage } from '../protocol/text/envelope-scan.ts';
import { hearText } from '../protocol/text/hear-text.ts';
import { lineOf } from '../protocol/text/message-text.ts';
import type { WrappedTransport } from '../protocol/wrapped-transport.ts';
import { type Exit, LocalProcess } from './local-process.ts';
import type { Program } from './program.ts';
import { ProgramOutput } from './program-output.ts';

/** The longest line read of standard error, in bytes; the rest is dropped. */
const MAX_ERROR_LINE = 8 * 1024;
/** What may wait for a program that does not read its input, in bytes. */
const MAX_UNREAD = 64 * 1024 * 1024;

/** How long a program may run after it closed its standard output, in ms: an ending program exits soon after. */
const MUTE_GRACE_MS = 250;

export interface ProcessTransportOptions {
  readonly program: Program;
  readonly clock: Clock;
  /** Secrets, each with the text that replaces it. */
  readonly secrets: ReadonlyMap<string, string>;
  /** The longest message of the program, in bytes. A longer one is refused, and the program continues. */
  readonly maxMessageBytes: number;
}

/**
 * MCP over the standard input and output of a program (2025-11-25, basic/transports: stdio). Unlike the
 * SDK's `StdioClientTransport`, it knows which messages were not written, reports how the program ended and its last
 * output, and ends the child processes of the program too (docs/decisions/0005-processes.md).
 */
export class ProcessTransport implements WrappedTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  onoutput?: (line: string) => void;
  ontoolong?: (message: ScannedMessage, error: ResilientMcpError) => void;

  readonly #options: ProcessTransportOptions;
  readonly #output: ProgramOutput;
  #starting: Promise<LocalProcess> | undefined;
  #process: LocalProcess | undefined;
  #ending: ResilientMcpError | undefined;
  #hasAnswered = false;
  #isClosing = false;

  constructor(options: ProcessTransportOptions) {
    this.#options = options;
    const { clock, secrets } = options;
    this.#output = new ProgramOutput({ clock, secrets, onLine: (line) => this.onoutput?.(line) });
  }

  /** Why the program ended; undefined while it runs, and if this side ended it. */
  get ending(): ResilientMcpError | undefined {
    return this.#ending;
  }

  /** @throws ResilientMcpError `SERVER_NOT_STARTED` */
  async start(): Promise<void> {
    const { program, clock } = this.#options;
    this.#starting = LocalProcess.start(program, clock);
    const started = await this.#starting;
    this.#process = started;
    const errors = new Lines(MAX_ERROR_LINE, {
      onLine: (line) => this.#output.take(line),
      onTooLong: (head) => this.#output.take(new TextDecoder().decode(head)),
    });
    const messages = this.#messages();
    started.stderr.on('data', (chunk: Uint8Array) => errors.feed(chunk)).once('end', () => errors.end());
    started.stdout.on('data', (chunk: Uint8Array) => messages.feed(chunk)).once('end', () => messages.end());
    started.stdout.once('close', () => this.#mute(started));
    void started.over.then((exit) => this.#ended(exit));
  }

  /**
   * Resolves when the system has taken all of the message.
   * @throws ResilientMcpError `CONNECTION_CLOSED` when it was not written, or not to its end: then nobody can have run
   *   it; `LIMIT_EXCEEDED` when too much waits to be read
   */
  async send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#process?.stdin;
    if (!stdin?.writable) throw notWritten('the program does not run');
    if (stdin.writableLength > MAX_UNREAD) {
      throw new ResilientMcpError(
        'LIMIT_EXCEEDED',
        `The program does not read its input: more than ${MAX_UNREAD} bytes wait for it.`,
        { advice: 'Reset its session: it is started again.' },
      );
    }
    const line = lineOf(message);
    await new Promise<void>((resolve, reject) => {
      // A message ends with its line break, so a truncated one cannot run.
      stdin.write(`${line}\n`, (error) => {
        if (error) reject(notWritten(describeError(error)));
        else resolve();
      });
    });
  }

  /** Ends the program politely. Resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.#isClosing = true;
    // Also end a program that is still starting; one that failed to start is gone.
    const started = await this.#starting?.catch(() => undefined);
    await started?.end();
  }

  /** Ends the program at once. */
  kill(): void {
    void this.#starting?.then(
      (started) => started.kill(),
      () => {},
    );
  }

  #hear(line: string): void {
    const isMessages = hearText(line, {
      onmessage: (message) => {
        this.#hasAnswered = true;
        this.onmessage?.(message);
      },
      ontoolong: (message, error) => this.ontoolong?.(message, error),
    });
    if (!isMessages) this.#passOver(line);
  }

  /** Programs that print to their standard output are common; whoever wrote one wants to see it. */
  #passOver(line: string): void {
    this.#output.take(line);
    this.onerror?.(
      new ResilientMcpError(
        'PROTOCOL_VIOLATION',
        'The program wrote a line to its standard output that is no JSON-RPC message; it was passed over.',
      ),
    );
  }

  /** Reads lines of the standard output. Of a line that is too long, only the id that it answers is read. */
  #messages(): Lines {
    const { maxMessageBytes } = this.#options;
    let scan = new EnvelopeScan(() => {});
    let passedOver = 0;
    return new Lines(maxMessageBytes, {
      onLine: (line) => this.#hear(line),
      onTooLong: (head) => {
        passedOver = 0;
        scan = new EnvelopeScan((message) => this.#refuse(message));
        scan.feed(head);
      },
      onRest: (part) => {
        scan.feed(part);
        passedOver += part.length;
        if (passedOver > MAX_TIMES_LIMIT * maxMessageBytes) this.#leave();
      },
    });
  }

  /** The program writes an endless line, so no further message can be read. */
  #leave(): void {
    this.#ending ??= this.#tooLong();
    this.kill();
  }

  #refuse(message: ScannedMessage): void {
    this.ontoolong?.(message, this.#tooLong());
  }

  #tooLong(): ResilientMcpError {
    const { maxMessageBytes } = this.#options;
    const words = `The program wrote a message of more than ${maxMessageBytes} bytes (limits.maxEventLength, --max-message on the command line).`;
    return new ResilientMcpError('LIMIT_EXCEEDED', words);
  }

  /**
   * Its standard output is closed. Of a program that ends this is the beginning of the end; one that lives on can say
   * nothing any more, and is ended: then another is started.
   */
  #mute(started: LocalProcess): void {
    const { clock } = this.#options;
    const late = new AbortController();
    const exited = started.exited.then(() => late.abort());
    void Promise.race([exited, sleep(clock, MUTE_GRACE_MS, late.signal)]).then(() => {
      if (late.signal.aborted || this.#process !== started || this.#isClosing) return;
      const words = `The program closed its standard output${this.#hasAnswered ? '' : ' before it had answered'}, and lived on`;
      this.#ending = new ResilientMcpError(
        this.#hasAnswered ? 'SERVER_UNAVAILABLE' : 'SERVER_NOT_STARTED',
        words,
      );
      this.#process = undefined;
      this.onclose?.();
    });
  }

  #ended(exit: Exit): void {
    if (!this.#process) return;
    if (!this.#isClosing) this.#ending ??= this.#endingOf(exit);
    this.#process = undefined;
    this.onclose?.();
  }

  #endingOf({ code, signal }: Exit): ResilientMcpError {
    const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
    const when = this.#hasAnswered ? '' : ' before it had answered';
    const last = this.#output.last === undefined ? '' : `: ${this.#output.last}`;
    const errorCode = this.#hasAnswered ? 'SERVER_UNAVAILABLE' : 'SERVER_NOT_STARTED';
    return new ResilientMcpError(errorCode, `The program ${how}${when}${last}`);
  }
}

function notWritten(because: string): ResilientMcpError {
  return new ResilientMcpError('CONNECTION_CLOSED', `It was not written: ${because}`);
}
