import type { Request } from './message.ts';
import { toolOf } from './message.ts';

/** How a request ended without its answer. */
export type Interruption =
  /** It never left (refused connection), or the server refused it with its session, before running it. */
  | 'notExecuted'
  /** The server said that it is busy or away (408, 425, 429, 503): by the meaning of these, it did not run. */
  | 'refused'
  /** It was sent, and then the connection or the stream broke. It may or may not have run. */
  | 'unknown';

/** What a tool's author said of it (MCP 2025-11-25, ToolAnnotations), as the server last listed it. */
export interface ToolHints {
  readonly readOnlyHint?: boolean | undefined;
  readonly idempotentHint?: boolean | undefined;
}

/**
 * What the user says of calls whose outcome is unknown.
 *
 * - `hints` (default): a tool that calls itself read-only or idempotent is called again.
 * - `always`: this tool is safe to call twice, whatever its hints say.
 * - `never`: never call it again, whatever its hints say, also when a server that is busy says that it did not run.
 */
export type ReplayPolicy = 'hints' | 'always' | 'never';

export interface ReplayDecision {
  readonly replay: boolean;
  readonly because: string;
  /** The hints of the tool would decide, and are not known. */
  readonly wantsHints?: boolean;
}

/** Methods without an effect that a second sending could double. `tools/call` is decided by its tool. */
const SAFE_METHODS: ReadonlySet<string> = new Set([
  'ping',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'tasks/get',
  'tasks/list',
  'tasks/result',
  // These set a state; setting it twice is setting it.
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
]);

/**
 * May this request be sent again? A request that certainly did not run: always. One that may have run: only if a
 * second run can do no harm (issue 3, point 4; qwen-code#9962 and claude-code#83404 show what happens otherwise).
 */
export function mayReplay(
  request: Pick<Request, 'method' | 'params'>,
  interruption: Interruption,
  hints: ToolHints | undefined,
  policy: ReplayPolicy = 'hints',
): ReplayDecision {
  if (interruption === 'notExecuted') return { replay: true, because: 'it did not run' };
  if (interruption === 'refused' && policy !== 'never')
    return { replay: true, because: 'the server refused it' };
  if (SAFE_METHODS.has(request.method))
    return { replay: true, because: `${request.method} is safe to repeat` };
  const tool = toolOf(request);
  if (tool === undefined) return { replay: false, because: `${request.method} may have an effect` };
  if (policy === 'never') return { replay: false, because: 'the policy for this tool is never' };
  if (policy === 'always') return { replay: true, because: 'the policy for this tool is always' };
  if (!hints) return { replay: false, because: 'the hints of the tool are not known', wantsHints: true };
  if (hints.readOnlyHint === true) return { replay: true, because: 'the tool is read-only' };
  if (hints.idempotentHint === true) return { replay: true, because: 'the tool is idempotent' };
  return { replay: false, because: 'the tool is neither read-only nor idempotent' };
}
