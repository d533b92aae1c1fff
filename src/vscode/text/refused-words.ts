import type { RefusedClient } from '../../hub/snapshot.ts';
import { plainText } from './foreign-text.ts';
import type { Translate } from './translate.ts';

/** What a name may take of a line, in characters. */
const MAX_NAME = 30;

/** Who was refused at a server for want of the token; undefined where nobody was. Plain text. */
export function refusedWords(refused: readonly RefusedClient[], t: Translate): string | undefined {
  const [first] = refused;
  if (!first) return undefined;
  if (refused.length > 1) return t('{0} agents were refused: no token', refused.length);
  if (first.client === '') return t('an agent was refused: no token');
  return t('agent {0} was refused: no token', plainText(first.client, MAX_NAME));
}
