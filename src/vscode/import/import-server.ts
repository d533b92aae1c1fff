import { isSameData } from '../../base/same-data.ts';
import type { FoundServer } from '../../config/import/found-server.ts';
import { type TakenOver, takeOver } from '../../config/import/take-over.ts';
import { INPUTS_KEY, parseInputs } from '../../config/inputs-setting.ts';
import { isRecord, type Layer } from '../../config/layers.ts';
import { SERVERS_KEY } from '../../config/server-config.ts';
import { inputsIn } from '../../config/variables.ts';
import type { InputValues } from '../settings/secrets.ts';
import { layerSettings, writeSetting } from '../settings/servers-setting.ts';
import type { ConfigFile } from './config-files.ts';

/** A server of a file that was chosen. */
export interface Choice {
  readonly file: ConfigFile;
  readonly server: FoundServer;
}

/** A server that was taken over, and the settings that it was written to. */
export interface Taken extends Choice, TakenOver {
  readonly layer: Layer;
}

/** Converts the selected servers to entries to write, each with a unique name. */
export function prepare(choices: readonly Choice[], layerOf: (choice: Choice) => Layer): Taken[] {
  const names = (['user', 'workspace'] as const).flatMap((layer) => Object.keys(serversOf(layer)));
  const taken: Taken[] = [];
  for (const choice of choices) {
    const layer = layerOf(choice);
    const { folder, inputs } = choice.file;
    const defined = [
      ...parseInputs(layerSettings(layer).inputs).inputs,
      ...taken.filter((other) => other.layer === layer).flatMap((other) => other.inputs),
    ];
    const context = { names, inputs: defined, ...(folder && { folder }) };
    const next = { ...choice, ...takeOver(choice.server, inputs, context), layer };
    names.push(next.name);
    taken.push(next);
  }
  return taken;
}

/**
 * Writes servers into the settings, after their secrets and inputs, so that they can be connected at once.
 * @throws what the editor throws when it can't write a setting or keep a secret; then what was written stays.
 */
export async function write(taken: readonly Taken[], values: InputValues): Promise<void> {
  for (const { layer, secrets } of taken) {
    for (const { id, value } of secrets) await values.set(layer, id, value);
  }
  for (const layer of ['user', 'workspace'] as const) {
    const added = taken.filter((one) => one.layer === layer);
    const inputs = added.flatMap((one) => one.inputs);
    if (inputs.length > 0) await writeSetting(INPUTS_KEY, layer, [...inputsOf(layer), ...inputs]);
    if (added.length === 0) continue;
    const servers = Object.fromEntries(added.map(({ name, entry }) => [name, entry]));
    await writeSetting(SERVERS_KEY, layer, { ...serversOf(layer), ...servers });
  }
}

/** Takes out again what was written, but for what has been changed since, or is used by another server now. */
export async function unwrite(taken: readonly Taken[], values: InputValues): Promise<void> {
  for (const layer of ['user', 'workspace'] as const) {
    const added = taken.filter((one) => one.layer === layer);
    if (added.length === 0) continue;
    const kept = Object.entries(serversOf(layer)).filter(
      ([name, entry]) => !added.some((one) => one.name === name && isSameData(one.entry, entry)),
    );
    await writeSetting(SERVERS_KEY, layer, kept.length > 0 ? Object.fromEntries(kept) : undefined);
    const used = new Set(inputsIn(kept));
    const unused = added.flatMap((one) => one.inputs).filter(({ id }) => !used.has(id));
    if (unused.length === 0) continue;
    const inputs = inputsOf(layer).filter((input) => !unused.some((one) => isSameData(one, input)));
    await writeSetting(INPUTS_KEY, layer, inputs.length > 0 ? inputs : undefined);
    for (const { id } of unused) await values.set(layer, id, undefined);
  }
}

function serversOf(layer: Layer): Readonly<Record<string, unknown>> {
  const { servers } = layerSettings(layer);
  return isRecord(servers) ? servers : {};
}

function inputsOf(layer: Layer): readonly unknown[] {
  const { inputs } = layerSettings(layer);
  return Array.isArray(inputs) ? inputs : [];
}
