import type { Focus } from '../../../webview/timeline/messages.ts';

/**
 * The server or fact that the timeline shows.
 *
 * @param argument what the command was called with: a server name, `{ server: name }`, also with the number of a fact as
 *   `seq`, or anything else for the whole timeline.
 */
export function timelineFocus(argument: unknown): Focus {
  if (typeof argument === 'string') return { server: argument };
  if (typeof argument !== 'object' || argument === null) return {};
  const { server, seq } = argument as Readonly<Record<string, unknown>>;
  return {
    ...(typeof server === 'string' && { server }),
    ...(typeof seq === 'number' && { seq }),
  };
}
