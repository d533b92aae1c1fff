import { l10n, window } from 'vscode';
import type { WantedInput } from '../../config/inputs-setting.ts';
import { describeError } from '../../protocol/errors.ts';
import { plainText } from '../text/untrusted-text.ts';
import { inputPicks, inputPrompt } from './input-view.ts';
import type { InputValues } from './secrets.ts';
import { readWantedInputs } from './servers-setting.ts';

/**
 * Asks for these values one by one, and stores those entered. Escape also skips the values that follow.
 *
 * @returns how many were entered.
 */
export async function enterInputs(values: InputValues, wanted: readonly WantedInput[]): Promise<number> {
  let entered = 0;
  for (const [index, input] of wanted.entries()) {
    const value = await ask(input, wanted.length > 1 ? { step: index + 1, of: wanted.length } : undefined);
    if (value === undefined) break;
    if (!(await keep(values, input, value))) break;
    entered++;
  }
  return entered;
}

/** "MCP: Enter Value of an Input": enters or clears a value. The servers that use it are connected again. */
export async function enterInput(values: InputValues): Promise<void> {
  const wanted = readWantedInputs();
  const known = await values.lookup(wanted).catch(() => () => undefined);
  if (wanted.length === 0) {
    void window.showInformationMessage(l10n.t('MCP: no configured server uses an input.'));
    return;
  }
  const picks = inputPicks(
    wanted,
    ({ layer, definition }) => known(layer, definition.id) !== undefined,
    l10n.t,
  );
  const picked = await window.showQuickPick(picks, {
    title: l10n.t('MCP: Enter Value of an Input'),
    placeHolder: l10n.t('Select an input to enter or clear'),
    matchOnDescription: true,
  });
  if (!picked) return;
  if (picked.forget) await keep(values, picked.input, undefined);
  else await enterInputs(values, [picked.input]);
}

async function ask(
  input: WantedInput,
  place: { step: number; of: number } | undefined,
): Promise<string | undefined> {
  const { title, prompt, password, value } = inputPrompt(input, place, l10n.t);
  const { options } = input.definition;
  if (options) return window.showQuickPick(options, { title, placeHolder: prompt, ignoreFocusOut: true });
  // Stays open without focus: values are often copied from another window.
  const text = await window.showInputBox({ title, prompt, password, value, ignoreFocusOut: true });
  // The server would refuse an empty token with a confusing message.
  return text === '' ? undefined : text;
}

/** Stores or clears a value. False, with a message, if the editor cannot store secrets. */
async function keep(
  values: InputValues,
  { layer, definition }: WantedInput,
  value: string | undefined,
): Promise<boolean> {
  try {
    await values.set(layer, definition.id, value);
    return true;
  } catch (error) {
    void window.showErrorMessage(
      l10n.t('MCP: the editor can’t store secrets: {0}', plainText(describeError(error))),
    );
    return false;
  }
}
