import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FormatId } from '../../../src/config/import/config-format.ts';

/** A file as each client documents it, with what people add to it. */
const FILES: Readonly<Record<FormatId, string>> = {
  vscode: 'vscode.mcp.json',
  'claude-code': 'claude-code.mcp.json',
  'claude-user': 'claude.json',
  'claude-desktop': 'claude_desktop_config.json',
  cursor: 'cursor.mcp.json',
  windsurf: 'windsurf.mcp_config.json',
  cline: 'cline_mcp_settings.json',
};

/** The example of a client, as text. */
export function example(format: FormatId): string {
  return readFileSync(join(import.meta.dirname, 'files', FILES[format]), 'utf8');
}

/** `${name}`, which can't be written in a plain string without a lint rule taking it for a mistake. */
export const placeholder = (name: string): string => `\${${name}}`;
