import type { WantedInput } from '../../config/inputs-setting.ts';
import { english, type Translate } from '../text/translate.ts';
import { plainText } from '../text/untrusted-text.ts';

/** What an input box says. */
export interface InputPrompt {
  readonly title: string;
  readonly prompt: string;
  readonly password: boolean;
  /** What stands in it at first. */
  readonly value: string;
}

/** @param place the how-manieth of how many is asked for; undefined for a single one. */
export function inputPrompt(
  { layer, definition }: WantedInput,
  place: { readonly step: number; readonly of: number } | undefined,
  t: Translate = english,
): InputPrompt {
  const { id, description, password, default: otherwise = '' } = definition;
  const title = place ? t('MCP: Value {0} of {1}', place.step, place.of) : t('MCP: Enter Value');
  const name = plainText(description ?? id);
  // Names the requesting settings: a workspace may come from anyone, and describe an input as it likes.
  const prompt =
    layer === 'user'
      ? t('{0}. Stored in the editor’s secret storage, not in a file.', name)
      : t('{0}. Requested by this workspace. Stored in the editor’s secret storage, not in a file.', name);
  return { title, prompt, password: password === true, value: password === true ? '' : otherwise };
}

/** One line of the pick: enter a value, or forget it. */
export interface InputPick {
  readonly label: string;
  readonly description: string;
  readonly input: WantedInput;
  readonly forget: boolean;
}

/** Each input, and below those that have a value the way to forget it. Values are not shown. */
export function inputPicks(
  wanted: readonly WantedInput[],
  hasValue: (input: WantedInput) => boolean,
  t: Translate = english,
): InputPick[] {
  return wanted.flatMap((input) => {
    const { layer, definition } = input;
    const label = plainText(definition.description ?? definition.id);
    const owner = layer === 'user' ? t('user settings') : t('settings of this workspace');
    const state = hasValue(input) ? t('entered') : t('no value yet');
    const enter: InputPick = { label, description: `${state} · ${owner}`, input, forget: false };
    const forget: InputPick = { label: t('Clear: {0}', label), description: owner, input, forget: true };
    return hasValue(input) ? [enter, forget] : [enter];
  });
}
