import type { ConfigFormat } from '../config-format.ts';
import { shellVariables } from '../placeholders.ts';
import { sseByPath } from '../transport-type.ts';

/** `.mcp.json` at the root of a project, as Claude Code and others read it. */
export const claudeCodeFormat: ConfigFormat = {
  id: 'claude-code',
  title: 'Claude Code',
  serversKey: 'mcpServers',
  hasInputs: false,
  urlKeys: ['url'],
  httpType: 'http',
  typeOfUrl: sseByPath,
  // Which servers of the file are refused stands in settings files of its own.
  isDisabled: () => false,
  // The person's own settings of the project, which are not for sharing: the file itself stays as the team has it.
  disabling: { how: 'list', file: ['.claude', 'settings.local.json'], key: 'disabledMcpjsonServers' },
  workspaceFile: ['.mcp.json'],
  userFiles: () => [],
  respell: shellVariables,
};
