import { ConfigurationTarget, workspace } from 'vscode';
import {
  INPUTS_KEY,
  type LayerSettings,
  type WantedInput,
  wantedInputs,
} from '../../config/inputs-setting.ts';
import type { Layer } from '../../config/layers.ts';
import { SERVERS_KEY } from '../../config/server-config.ts';

/** What the settings hold in one layer, as it stands. Nothing of a workspace that is not trusted. */
export function layerSettings(layer: Layer): LayerSettings {
  return { servers: inLayer(SERVERS_KEY, layer), inputs: inLayer(INPUTS_KEY, layer) };
}

/** The inputs that the servers of the settings ask for, the user's first. */
export function readWantedInputs(): WantedInput[] {
  return (['user', 'workspace'] as const).flatMap((layer) => wantedInputs(layer, layerSettings(layer)));
}

/** Writes one of the settings in a layer; undefined takes it out. @throws what the editor throws, in its words */
export async function writeSetting(
  key: typeof SERVERS_KEY | typeof INPUTS_KEY,
  layer: Layer,
  value: unknown,
): Promise<void> {
  const target = layer === 'user' ? ConfigurationTarget.Global : ConfigurationTarget.Workspace;
  await workspace.getConfiguration().update(key, value, target);
}

function inLayer(key: string, layer: Layer): unknown {
  // Not get(): it merges the scopes key by key, and the user's headers would go to a URL of the workspace.
  const scopes = workspace.getConfiguration().inspect<unknown>(key);
  if (layer === 'user') return scopes?.globalValue;
  // The editor hides the values of an untrusted workspace (restrictedConfigurations); this does not rely on it.
  return workspace.isTrusted ? scopes?.workspaceValue : undefined;
}
