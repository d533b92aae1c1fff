import type { ConfigFormat } from '../config-format.ts';
import { pathOn, settingsFolder } from '../machine.ts';
import { shellVariables } from '../placeholders.ts';
import { sseByPath } from '../transport-type.ts';

/** `claude_desktop_config.json`. It names processes only; remote servers are kept in the account. */
export const claudeDesktopFormat: ConfigFormat = {
  id: 'claude-desktop',
  title: 'Claude Desktop',
  serversKey: 'mcpServers',
  hasInputs: false,
  urlKeys: ['url'],
  httpType: 'http',
  typeOfUrl: sseByPath,
  isDisabled: () => false,
  disabling: { how: 'move', to: 'disabledMcpServers' },
  workspaceFile: undefined,
  userFiles: (machine) => [pathOn(machine, settingsFolder(machine), 'Claude', 'claude_desktop_config.json')],
  // It replaces nothing itself, so that a placeholder in it never worked; here it may.
  respell: shellVariables,
};
