import type { ToolHints } from '../../protocol/replay.ts';
import type { SettingsSnapshot } from '../../protocol/session-settings.ts';

/**
 * What another connection needs to go on with a session: after a restart of the process that held it, say. A
 * credential, since whoever has it has the session. Plain data, safe to serialise.
 */
export interface ResumableSession extends SettingsSnapshot {
  /** The endpoint that issued the session, without query and fragment. It is offered to no other. */
  readonly endpoint: string;
  readonly sessionId: string;
  readonly protocolVersion: string;
  /** What the server said of itself when it opened the session: the result of `initialize`. */
  readonly server: Readonly<Record<string, unknown>>;
  /** The tools that the server called safe to repeat, as far as they were listed; absent in what an older version kept. */
  readonly toolHints?: Readonly<Record<string, ToolHints>> | undefined;
}
