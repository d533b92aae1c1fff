import type { ConnectionSnapshot } from '../../client/observe/snapshot.ts';
import type { Translate } from './translate.ts';

type Doing = Pick<ConnectionSnapshot, 'status'> & Partial<Pick<ConnectionSnapshot, 'failure'>>;

/** What a connection is doing, in a word or a few. */
export function statusWords(connection: Doing, t: Translate): string {
  switch (connection.status) {
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
      return waitsForSignIn(connection) ? t('sign-in needed') : t('down');
    case 'paused':
      return t('paused');
    case 'closed':
      return t('closed');
  }
}

/** Whether no attempt can help before a person has signed in, or has given the server other credentials. */
export function waitsForSignIn({ status, failure }: Doing): boolean {
  return status === 'down' && failure === 'UNAUTHORIZED';
}
