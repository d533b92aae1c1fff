import type { ConfigFormat } from '../config-format.ts';
import { pathOn } from '../machine.ts';
import { shellVariables } from '../placeholders.ts';

const FILE = 'cline_mcp_settings.json';

/** Cline's `cline_mcp_settings.json`. */
export const clineFormat: ConfigFormat = {
  id: 'cline',
  title: 'Cline',
  serversKey: 'mcpServers',
  hasInputs: false,
  urlKeys: ['url'],
  httpType: 'streamableHttp',
  // Its schema tries SSE first, and keeps that order for the files of old (src/services/mcp/schemas.ts of cline/cline).
  typeOfUrl: () => 'sse',
  isDisabled: ({ disabled }) => disabled === true,
  disabling: { how: 'flag', key: 'disabled' },
  workspaceFile: undefined,
  // That of its extension, then that of its command line.
  userFiles: (machine) => [
    ...machine.editorFolders.map((folder) =>
      pathOn(machine, folder, 'globalStorage', 'saoudrizwan.claude-dev', 'settings', FILE),
    ),
    machine.env.CLINE_MCP_SETTINGS_PATH || pathOn(machine, machine.home, '.cline', 'data', 'settings', FILE),
  ],
  respell: shellVariables,
};
