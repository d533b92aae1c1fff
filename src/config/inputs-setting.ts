/**
 * The setting `resilientMcp.inputs`: what is asked for as `${input:id}`, and how. The values are never in a setting.
 */
import type { InputDefinition } from './import/found-server.ts';
import { readInputs } from './import/inputs.ts';
import { isRecord, type Layer } from './layers.ts';
import type { ConfigProblem } from './server-config.ts';
import { inputsIn } from './variables.ts';

export const INPUTS_KEY = 'resilientMcp.inputs';

/** One input that a server asks for. */
export interface WantedInput {
  /** Whose value it is. That of a workspace is another than the user's, though the id be the same. */
  readonly layer: Layer;
  readonly definition: InputDefinition;
}

/** What the two settings hold, as they stand, in one layer. */
export interface LayerSettings {
  readonly servers: unknown;
  readonly inputs: unknown;
}

/** The definitions of one layer; what is wrong in them, with the key. */
export function parseInputs(value: unknown): {
  inputs: readonly InputDefinition[];
  problems: readonly ConfigProblem[];
} {
  const { inputs, faults } = readInputs(value);
  const problems = faults.map(({ index, message }) => ({
    key: index === undefined ? INPUTS_KEY : `${INPUTS_KEY}[${index}]`,
    message,
  }));
  return { inputs, problems };
}

/** The inputs that the servers of a layer ask for, switched off or not, each once. One without a definition is a secret. */
export function wantedInputs(layer: Layer, { servers, inputs }: LayerSettings): WantedInput[] {
  const defined = parseInputs(inputs).inputs;
  return inputsIn(isRecord(servers) ? Object.values(servers) : []).map((id) => ({
    layer,
    definition: defined.find((input) => input.id === id) ?? { id, password: true },
  }));
}
