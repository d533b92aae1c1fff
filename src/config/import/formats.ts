import { claudeCodeFormat } from './clients/claude-code.ts';
import { claudeDesktopFormat } from './clients/claude-desktop.ts';
import { claudeUserFormat } from './clients/claude-user.ts';
import { clineFormat } from './clients/cline.ts';
import { cursorFormat } from './clients/cursor.ts';
import { vscodeFormat } from './clients/vscode.ts';
import { windsurfFormat } from './clients/windsurf.ts';
import type { ConfigFormat, FormatId } from './config-format.ts';

/** The strategy of each client. */
export const FORMATS: Readonly<Record<FormatId, ConfigFormat>> = {
  vscode: vscodeFormat,
  'claude-code': claudeCodeFormat,
  'claude-user': claudeUserFormat,
  'claude-desktop': claudeDesktopFormat,
  cursor: cursorFormat,
  windsurf: windsurfFormat,
  cline: clineFormat,
};
