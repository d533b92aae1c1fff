import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { describeError, ResilientMcpError } from '../../protocol/errors.ts';
import { isMessage } from '../../protocol/message.ts';
import type { Clock } from '../../session/environment.ts';
import type { WrappedTransport } from '../../session/sdk-wire.ts';
import { Lines } from './lines.ts';
import { type Exit, LocalProcess } from './local-process.ts';
import type { Program } from './program.ts';
import { ProgramOutput } from './program-output.ts';

/** The longest line read of standard error, in bytes; the rest is dropped. */
const MAX_ERROR_LINE = 8 * 1024;
/** What may wait for a program that does not read its input, in bytes. */
const MAX_UNREAD = 64 * 1024 * 1024;

export interface ProcessTransportOptions {
  readonly program: Program;
  readonly clock: Clock;
  /** Texts that are never told, and what is told in their place. */
  readonly secrets: ReadonlyMap<string, string>;
  /** The longest message taken from the program, in bytes. One that writes a longer one is ended. */
  readonly maxMessageBytes: number;
}

/**
 * MCP over the standard input and output of a program (2025-11-25, basic/transports: stdio). As the SDK's
 * `StdioClientTransport`, but it knows what it could not write, says how the program ended and what it said last, and
 * leaves nothing behind of what the program has started (docs/decisions/0005-processes.md).
 */
export class ProcessTransport implements WrappedTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  onoutput?: (line: string) => void;

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

  /** Why the program ended, once it has; undefined while it runs, and when it was ended from here. */
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
      onTooLong: (head) => this.#output.take(head),
    });
    const messages = new Lines(this.#options.maxMessageBytes, {
      onLine: (line) => this.#hear(line),
      onTooLong: () => this.#refuseLength(),
    });
    started.stderr.on('data', (chunk: Uint8Array) => errors.feed(chunk)).once('end', () => errors.end());
    started.stdout.on('data', (chunk: Uint8Array) => messages.feed(chunk)).once('end', () => messages.end());
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
    await new Promise<void>((resolve, reject) => {
      // A message ends with its line: of one that was cut off, nothing can run.
      stdin.write(`${JSON.stringify(message)}\n`, (error) => {
        if (error) reject(notWritten(describeError(error)));
        else resolve();
      });
    });
  }

  /** Ends the program politely. Resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.#isClosing = true;
    // One that was just being started is to be ended too; one that could not be is gone.
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
    // A batch is legal in 2025-03-26.
    for (const message of [jsonOf(line)].flat()) {
      if (isMessage(message)) {
        this.#hasAnswered = true;
        this.onmessage?.(message);
      } else this.#passOver(line);
    }
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

  /** The answer that was cut can't be told from any other, and whoever waits for it would wait for ever. */
  #refuseLength(): void {
    const words = `The program wrote a message of more than ${this.#options.maxMessageBytes} bytes (limits.maxEventLength).`;
    this.#ending = new ResilientMcpError('LIMIT_EXCEEDED', words);
    this.onerror?.(this.#ending);
    this.kill();
  }

  #ended(exit: Exit): void {
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

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function notWritten(because: string): ResilientMcpError {
  return new ResilientMcpError('CONNECTION_CLOSED', `It was not written: ${because}`);
}
