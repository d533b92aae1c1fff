import type { ConnectionSnapshot } from '../../client/observe/snapshot.ts';
import { maskTokens, plainText } from './foreign-text.ts';
import { refusedWords } from './refused-words.ts';
import { nextAttempt, type Shown } from './shown-server.ts';
import { statusWords } from './status-words.ts';
import { ageWords, countdownWords } from './time-words.ts';
import type { Translate } from './translate.ts';

/** State, generation and age of a server; for one in trouble what comes next; who was refused. Plain text, in parts. */
export function serverWords({ connection, refused }: Shown, now: number, t: Translate): string[] {
  const refusal = refusedWords(refused, t);
  return [...connectionWords(connection, now, t), ...(refusal === undefined ? [] : [refusal])];
}

function connectionWords(connection: ConnectionSnapshot | undefined, now: number, t: Translate): string[] {
  if (!connection) return [t('starts when used')];
  const { status, generation, stateless, sessionOpenedAt } = connection;
  const next = nextAttempt(connection, now, t, countdownWords);
  if (status !== 'ready') return [statusWords(connection, t), ...(next ? [next] : [])];
  const age = sessionOpenedAt === undefined ? [] : [ageWords(now - sessionOpenedAt, t)];
  const session = stateless ? [t('stateless')] : [t('generation {0}', generation), ...age];
  return [statusWords(connection, t), ...session];
}

/** What is wrong with a connection, as one sentence without an end mark; undefined where nothing is. */
export function troubleWords(connection: ConnectionSnapshot | undefined): string | undefined {
  if (!connection?.trouble || connection.status === 'ready') return undefined;
  return plainText(maskTokens(connection.trouble).replace(/\.$/, ''));
}
