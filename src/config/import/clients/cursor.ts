import type { ConfigFormat } from '../config-format.ts';
import { pathOn } from '../machine.ts';
import { shellVariables } from '../placeholders.ts';
import { sseByPath } from '../transport-type.ts';

/** Cursor's `mcp.json`, the global one and that of a project. Its own placeholders are spelt as VS Code's. */
export const cursorFormat: ConfigFormat = {
  id: 'cursor',
  title: 'Cursor',
  serversKey: 'mcpServers',
  hasInputs: false,
  urlKeys: ['url'],
  httpType: 'http',
  typeOfUrl: sseByPath,
  // The switches of its settings page are kept elsewhere, but some people write the key that other clients know.
  isDisabled: ({ disabled }) => disabled === true,
  disabling: { how: 'move', to: 'disabledMcpServers' },
  workspaceFile: ['.cursor', 'mcp.json'],
  userFiles: (machine) => [pathOn(machine, machine.home, '.cursor', 'mcp.json')],
  respell: shellVariables,
};
