import { readRecording } from '../../../scripts/replay/read-recording.ts';
import { ReplayServer, type ReplayServerOptions } from '../../../scripts/replay/replay-server.ts';
import { type Screenplay, screenplayOf } from '../../../scripts/replay/screenplay.ts';
import { systemEnvironment } from '../../../src/base/environment.ts';
import type { JournalEntry } from '../../../src/client/observe/journal.ts';
import { exportRecording } from '../../../src/diagnosis/recording/export.ts';
import type { HubFact } from '../../../src/hub/facts.ts';

/** The journal of a connection as a person would export it. */
export function exported(entries: readonly JournalEntry[]): string {
  const facts = entries.map(({ seq: _, at, ...fact }): HubFact => ({ server: 'recorded', at, fact }));
  const servers = [{ name: 'recorded', type: 'http', target: 'http://127.0.0.1/mcp' }];
  return exportRecording(facts, servers, { product: 'test', now: Date.UTC(2026, 10, 22) });
}

/** What a server has to do for all that to happen again. */
export function screenplayIn(recording: string): Screenplay {
  return screenplayOf(readRecording(recording).connections[0]?.facts ?? []);
}

export function replayed(
  recording: string,
  options: Partial<ReplayServerOptions> = {},
): Promise<ReplayServer> {
  const { clock, newId } = systemEnvironment();
  return ReplayServer.start(screenplayIn(recording), { clock, newId, ...options });
}

/** What a client notices of a server that is gone; in which order, and how often, is a matter of chance. */
const noticed = new Set([
  'streamEnded',
  'exchangeFailed',
  'serverUnavailable',
  'attemptFailed',
  'outcomeUnknown',
]);

/** A session's stream is opened while its first requests are under way: which of them is first is a matter of chance. */
const goingWell = new Set(['streamOpened', 'requestAnswered']);

/** The kinds of the facts, in order; those by which one disruption is noticed together as one, without repetition. */
export function kindsOf(entries: readonly JournalEntry[]): string[] {
  const kinds: string[] = [];
  let well: string[] = [];
  const settle = () => {
    kinds.push(...well.sort());
    well = [];
  };
  let disruption = new Set<string>();
  const close = () => {
    if (disruption.size > 0) kinds.push([...disruption].sort().join(' + '));
    disruption = new Set();
  };
  for (const entry of entries) {
    if (goingWell.has(entry.kind)) {
      close();
      well.push(entry.kind);
      continue;
    }
    settle();
    const isRefusal = entry.kind === 'exchangeFailed' && entry.status !== undefined && entry.status !== 200;
    if (noticed.has(entry.kind) && !isRefusal) {
      disruption.add(entry.kind === 'exchangeFailed' ? `${entry.kind} ${entry.method}` : entry.kind);
      continue;
    }
    close();
    kinds.push(isRefusal ? `${entry.kind} ${entry.method} ${entry.status}` : entry.kind);
  }
  close();
  settle();
  return kinds;
}
