import type { ConnectionSnapshot } from '../../../client/observe/snapshot.ts';
import { connectionsOf, type ServerSnapshot } from '../../../hub/snapshot.ts';
import { refusalLabel } from '../../text/server-status.ts';
import { ageLabel, durationLabel } from '../../text/time-label.ts';
import type { Translate } from '../../text/translate.ts';
import { markdownText, maskTokens } from '../../text/untrusted-text.ts';

/**
 * The tooltip of a server's row, as Markdown without links and HTML.
 * @param worst the connection by which the server is judged; undefined while it needs none
 * @param state what that connection is doing, as plain text in parts
 */
export function serverTooltip(
  server: ServerSnapshot,
  worst: ConnectionSnapshot | undefined,
  state: readonly string[],
  { t, now }: { readonly t: Translate; readonly now: number },
): string {
  const all = connectionsOf(server);
  const sum = (count: (each: ConnectionSnapshot) => number) =>
    all.reduce((total, each) => total + count(each), 0);
  const implementation = all.find((each) => each.server)?.server;
  const last = worst?.lastRecovery;
  const refusal = refusalLabel(server.refused, t);
  const lines = [
    `**${markdownText(server.name)}**`,
    markdownText(maskTokens(server.target)),
    ...(state.length > 0 ? [state.map((words) => markdownText(words)).join(' · ')] : []),
    ...(refusal === undefined ? [] : [markdownText(refusal)]),
    ...(implementation
      ? [t('Server: {0}', markdownText(`${implementation.name} ${implementation.version}`))]
      : []),
    ...(worst?.protocolVersion ? [t('Protocol: {0}', markdownText(worst.protocolVersion))] : []),
    t(
      'Recoveries: {0}',
      sum((each) => each.recoveries),
    ),
    t(
      'Requests sent again: {0}',
      sum((each) => each.replays),
    ),
    ...(last
      ? [
          t(
            'Last recovery: {0} ago, in {1}: {2}',
            ageLabel(now - last.at, t),
            durationLabel(last.durationMs, t),
            markdownText(maskTokens(last.cause)),
          ),
        ]
      : []),
  ];
  return lines.join('\n\n');
}
