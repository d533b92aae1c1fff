import { printableJson } from '../../base/printable.ts';
import type { WantedInput } from '../../config/inputs-setting.ts';
import type { ConfigProblem } from '../../config/server-config.ts';
import { english, type Translate } from '../text/translate.ts';
import { plainText } from '../text/untrusted-text.ts';

/** One line for the log per problem. */
export function problemLines(problems: readonly ConfigProblem[]): string[] {
  return problems.map(
    ({ key, message }) => `settingNotUsable key=${printableJson(key)} ${plainText(message, 500)}`,
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

/** The inputs whose values are missing, each once, in the order of the problems. */
export function missingInputs(
  problems: readonly ConfigProblem[],
  wanted: readonly WantedInput[],
): WantedInput[] {
  const missing = problems.flatMap(({ input }) =>
    wanted.filter(({ layer, definition }) => layer === input?.layer && definition.id === input.id),
  );
  return [...new Set(missing)];
}

/** The text of one notification for all values that are missing. */
export function inputsQuestion(missing: readonly WantedInput[], t: Translate = english): string {
  const names = missing.map(({ definition }) => plainText(definition.description ?? definition.id, 60));
  return missing.length === 1
    ? t('MCP: a server needs a value: {0}.', names.join())
    : t('MCP: servers need {0} values: {1}.', missing.length, plainText(names.join(', ')));
}
