import type { ConfigProblem } from '../../fleet/server-config.ts';
import { plainText } from './foreign-text.ts';
import { english, type Translate } from './translate.ts';

/** One line for the log per problem. */
export function problemLines(problems: readonly ConfigProblem[]): string[] {
  return problems.map(
    ({ key, message }) => `settingNotUsable key=${JSON.stringify(key)} ${plainText(message, 500)}`,
  );
}

/** The text of one notification for all problems: the first in full, the others as a number. */
export function problemWarning(problems: readonly ConfigProblem[], t: Translate = english): string {
  const [first, ...more] = problems;
  if (!first) return '';
  const what = `${plainText(first.key)} ${plainText(first.message)}`;
  if (more.length === 0) return what;
  return more.length === 1
    ? t('{0} (and 1 more problem, see the log)', what)
    : t('{0} (and {1} more problems, see the log)', what, more.length);
}
