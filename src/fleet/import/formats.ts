import { claudeCodeFormat } from './claude-code.ts';
import { claudeDesktopFormat } from './claude-desktop.ts';
import { clineFormat } from './cline.ts';
import type { ConfigFormat, FormatId } from './config-format.ts';
import { cursorFormat } from './cursor.ts';
import { vscodeFormat } from './vscode.ts';
import { windsurfFormat } from './windsurf.ts';

/** The strategy of each client. */
export const FORMATS: Readonly<Record<FormatId, ConfigFormat>> = {
  vscode: vscodeFormat,
  'claude-code': claudeCodeFormat,
  'claude-desktop': claudeDesktopFormat,
  cursor: cursorFormat,
  windsurf: windsurfFormat,
  cline: clineFormat,
};
