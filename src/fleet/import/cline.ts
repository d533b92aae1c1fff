import type { ConfigFormat } from './config-format.ts';
import { shellVariables } from './placeholders.ts';

/** Cline's `cline_mcp_settings.json`. */
export const clineFormat: ConfigFormat = {
  id: 'cline',
  title: 'Cline',
  serversKey: 'mcpServers',
  hasInputs: false,
  urlKeys: ['url'],
  // Its schema tries SSE first, and keeps that order for the files of old (src/services/mcp/schemas.ts of cline/cline).
  typeOfUrl: () => 'sse',
  isDisabled: ({ disabled }) => disabled === true,
  respell: shellVariables,
};
