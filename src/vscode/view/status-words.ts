import type { ConnectionStatus } from '../../session/snapshot.ts';
import type { Translate } from './translate.ts';

/** What a connection is doing, in a word or a few. */
export function statusWords(status: ConnectionStatus, t: Translate): string {
  switch (status) {
    case 'idle':
      return t('starting');
    case 'connecting':
      return t('connecting');
    case 'ready':
      return t('connected');
    case 'unreachable':
      return t('not answering');
    case 'recovering':
      return t('opening a new session');
    case 'down':
      return t('down');
    case 'paused':
      return t('paused');
    case 'closed':
      return t('closed');
  }
}
