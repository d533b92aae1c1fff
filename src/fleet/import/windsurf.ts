import type { ConfigFormat } from './config-format.ts';
import { shellVariables } from './placeholders.ts';
import { sseByPath } from './transport-type.ts';

/** Windsurf's `mcp_config.json`. Remote servers have a `serverUrl`, of late also a `url`. */
export const windsurfFormat: ConfigFormat = {
  id: 'windsurf',
  title: 'Windsurf',
  serversKey: 'mcpServers',
  hasInputs: false,
  urlKeys: ['serverUrl', 'url'],
  typeOfUrl: sseByPath,
  isDisabled: ({ disabled }) => disabled === true,
  respell: shellVariables,
};
