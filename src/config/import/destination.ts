import type { ImportedEntry } from './found-server.ts';
import { extractSecrets } from './literal-secrets.ts';

/**
 * Where an entry leads, as a text: two entries with the same one are the same server. Secrets and what stands for them
 * do not count, so that an original is known again after it was taken over.
 */
export function destinationOf(entry: ImportedEntry): string {
  const { entry: bare } = extractSecrets(entry, () => '');
  const text = bare.type === 'stdio' ? JSON.stringify([bare.command, bare.args ?? []]) : bare.url;
  return text
    .replace(/\$\{input:[^{}]*\}/g, '*')
    .replace(/\$\{workspaceFolder:[^{}]*\}/g, '$${workspaceFolder}');
}
