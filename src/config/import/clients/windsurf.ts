import type { ConfigFormat } from '../config-format.ts';
import { pathOn } from '../machine.ts';
import { shellVariables } from '../placeholders.ts';
import { sseByPath } from '../transport-type.ts';

/** Windsurf's `mcp_config.json`. Remote servers have a `serverUrl`, of late also a `url`. */
export const windsurfFormat: ConfigFormat = {
  id: 'windsurf',
  title: 'Windsurf',
  serversKey: 'mcpServers',
  hasInputs: false,
  urlKeys: ['serverUrl', 'url'],
  httpType: 'http',
  typeOfUrl: sseByPath,
  isDisabled: ({ disabled }) => disabled === true,
  disabling: { how: 'flag', key: 'disabled' },
  workspaceFile: undefined,
  // The second is that of its plugins for other editors.
  userFiles: (machine) => [
    pathOn(machine, machine.home, '.codeium', 'windsurf', 'mcp_config.json'),
    pathOn(machine, machine.home, '.codeium', 'mcp_config.json'),
  ],
  respell: shellVariables,
};
