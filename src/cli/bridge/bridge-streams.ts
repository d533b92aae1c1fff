import type { Readable, Writable } from 'node:stream';
import { type Clock, sleep, within } from '../../base/environment.ts';
import { readLines } from '../../base/lines.ts';
import type { RelayUpstream } from '../../hub/server-definition.ts';
import { Bridge } from './bridge.ts';
import { Output } from './output.ts';

/** The longest message of the client, in bytes, where nothing else is said. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;
/** How long the last answers may take to be read, in ms: a client that does not read any more must not keep the bridge. */
const FLUSH_LIMIT_MS = 10_000;
/** How many of the longest messages may wait for a client that does not read; over that it is taken for gone. */
const MAX_WAITING = 4;

export interface BridgeStreamsOptions {
  readonly input: Readable;
  readonly output: Writable;
  /** A new connection to the server, not started. */
  readonly open: () => RelayUpstream;
  /** Resolves when somebody wants it to end; asked a second time while it drains. */
  readonly stop: () => Promise<void>;
  /** How long requests under way may take to end, in ms. */
  readonly graceMs: number;
  /** The longest message of the client, in bytes. Default 64 MiB. */
  readonly maxMessageBytes?: number;
  readonly clock: Clock;
}

/**
 * Serves one client over a pair of streams until the input ends, the output breaks or somebody wants an end; then lets
 * the requests under way end, and ends the session.
 */
export async function bridgeStreams(options: BridgeStreamsOptions): Promise<void> {
  const { input, open, stop, graceMs, clock, maxMessageBytes: maxBytes = MAX_LINE_BYTES } = options;
  const output = new Output(options.output, { maxWaitingBytes: MAX_WAITING * maxBytes });
  const bridge = new Bridge({ open, write: (message) => output.write(message) });
  const inputEnded = readLines(input, maxBytes, {
    onLine: (line) => bridge.takeLine(line),
    onTooLong: () => bridge.refuseLine(maxBytes),
  });
  await Promise.race([inputEnded, stop(), output.gone]);
  const over = new AbortController();
  const grace = sleep(clock, graceMs, over.signal);
  await Promise.race([bridge.drain(), grace, stop(), output.gone]);
  over.abort();
  await bridge.close();
  await within(clock, FLUSH_LIMIT_MS, output.flushed(), undefined);
}
