import { sep } from 'node:path';
import { resolveVariables, type VariableLookups } from '../config/variables.ts';
import { isConnectionHeader } from '../protocol/http/headers.ts';
import { Failed, UsageError } from './command.ts';

/**
 * Parses the `--header` options, each `Name: value`. Replaces `${env:NAME}` in a value, so that a secret need not appear
 * in the list of processes.
 * @throws UsageError for an invalid header, Failed for a variable that is not set; the messages contain no values
 */
export function headerFields(
  given: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const lookups: VariableLookups = {
    env: (name) => env[name],
    input: () => undefined,
    workspaceFolder: () => undefined,
    userHome: undefined,
    pathSeparator: sep,
  };
  return Object.fromEntries(given.map((text) => field(text, lookups)));
}

function field(text: string, lookups: VariableLookups): [string, string] {
  const [, name, written = ''] = /^\s*([^:\s]+)\s*:\s*(.*?)\s*$/s.exec(text) ?? [];
  if (name === undefined) throw new UsageError('--header needs a name and a value, as "Name: value".');
  if (isConnectionHeader(name))
    throw new UsageError(`--header: ${name} is set by the connection and cannot be overridden.`);
  const { value, faults } = resolveVariables(written, lookups);
  const [fault] = faults;
  if (fault) throw new Failed(`--header ${name} ${fault.message}`);
  try {
    new Headers([[name, String(value)]]);
  } catch {
    // The platform's message contains the value.
    throw new UsageError(`--header ${name}: the name or the value cannot be sent as an HTTP header.`);
  }
  return [name, String(value)];
}
