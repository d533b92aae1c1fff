import type { WaitingServer } from '../../../config/trust.ts';
import { english, type Translate } from '../../text/translate.ts';
import { markdownText, maskTokens, plainText } from '../../text/untrusted-text.ts';
import type { SessionsItem } from './session-items.ts';

/** The rows of servers that wait until the workspace is trusted: each says why. */
export function waitingItems(waiting: readonly WaitingServer[], t: Translate = english): SessionsItem[] {
  return waiting.map((server) => {
    const { name, target } = server;
    const label = plainText(name);
    const words = waitingText(server, t);
    const tooltip = [
      `**${markdownText(name)}**`,
      markdownText(maskTokens(target)),
      markdownText(words),
      t('Configuration in a folder can come from anyone. It does not run until you trust the workspace.'),
    ];
    return {
      id: JSON.stringify(['waiting', name]),
      kind: 'waiting',
      server: name,
      label,
      description: words,
      icon: { id: 'shield' },
      tooltipMarkdown: tooltip.join('\n\n'),
      accessibleLabel: `${label}: ${words}`,
      unfolded: false,
      children: [],
    };
  });
}

function waitingText({ key, how }: WaitingServer, t: Translate): string {
  return how === 'folder'
    ? t('waits until this workspace is trusted: "{0}" names its folder', key)
    : t('waits until this workspace is trusted: "{0}" is a relative path', key);
}
