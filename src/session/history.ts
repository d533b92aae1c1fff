import type { Journal } from './journal.ts';
import type { RecoverySummary } from './snapshot.ts';

/** What a display wants to know of the past: counters drawn from the journal, which itself forgets. */
export class History {
  recoveries = 0;
  replays = 0;
  lastRecovery: RecoverySummary | undefined;

  constructor(journal: Journal) {
    journal.subscribe((entry) => {
      if (entry.kind === 'requestReplayed') this.replays++;
      if (entry.kind !== 'sessionReplaced') return;
      this.recoveries++;
      this.lastRecovery = { at: entry.at, durationMs: entry.durationMs, cause: entry.cause };
    });
  }
}
