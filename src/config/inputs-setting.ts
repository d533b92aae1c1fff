/**
 * The setting `resilientMcp.inputs`: the prompts for `${input:id}`. Values are never in a setting.
 */
import type { InputDefinition } from './import/found-server.ts';
import { readInputs } from './import/inputs.ts';
import { isRecord, type Layer } from './layers.ts';
import type { ConfigProblem } from './server-config.ts';
import { inputsIn } from './variables.ts';

export const INPUTS_KEY = 'resilientMcp.inputs';

/** One input that a server asks for. */
export interface WantedInput {
  /** The layer that owns the value. The same id in another layer has another value. */
  readonly layer: Layer;
  readonly definition: InputDefinition;
}

/** The raw values of both settings in one layer. */
export interface LayerSettings {
  readonly servers: unknown;
  readonly inputs: unknown;
}

/** Parses the definitions of one layer; reports problems with their key. */
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

/** The inputs that the servers of a layer use, disabled ones included, each once. Undefined ones are secrets. */
export function wantedInputs(layer: Layer, { servers, inputs }: LayerSettings): WantedInput[] {
  const defined = parseInputs(inputs).inputs;
  return inputsIn(isRecord(servers) ? Object.values(servers) : []).map((id) => ({
    layer,
    definition: defined.find((input) => input.id === id) ?? { id, password: true },
  }));
}
