import { systemClock } from '../../base/environment.ts';
import type { RelayUpstream } from '../../hub/server-definition.ts';
import { inWords, line, type NoteFact, structured } from '../fact-log.ts';
import { stopSignal } from '../stop-signal.ts';
import { bridgeStreams } from './bridge-streams.ts';

export interface ServeStdioOptions {
  /** What each line of the log begins with: the command, and the server that it is about. */
  readonly who: string;
  /** A new connection to the server, not started. What it does goes to `note`. */
  readonly open: (note: NoteFact) => RelayUpstream;
  /** How long requests under way may take to end, in ms. */
  readonly graceMs: number;
  /** The longest message of the client, in bytes. Default 64 MiB. */
  readonly maxMessageBytes?: number;
  /** Whether every fact is logged, as JSON. Default: what somebody wants to know, in words. */
  readonly verbose: boolean;
}

/** Serves the client at standard input and output until its input ends or a signal comes; the log goes to standard error. */
export async function serveStdio(options: ServeStdioOptions): Promise<void> {
  const { who, open, graceMs, maxMessageBytes, verbose } = options;
  // A client that does not read the log must not end the program by that.
  process.stderr.on('error', () => {});
  const say = (words: string) => console.error(`resilient-mcp ${who}: ${words}`);
  const words = inWords(say);
  const note: NoteFact = verbose
    ? structured(console.error)
    : // A client shows what its servers write; it is to find it here as it did before.
      (fact) => (fact.kind === 'serverWrote' ? say(line(fact.text)) : words(fact));
  await bridgeStreams({
    input: process.stdin,
    output: process.stdout,
    open: () => open(note),
    stop: stopSignal,
    graceMs,
    ...(maxMessageBytes !== undefined && { maxMessageBytes }),
    clock: systemClock,
  });
}
