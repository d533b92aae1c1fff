import { programFile } from '../install.ts';
import type { InteropServer } from '../server.ts';

/** A server under this project's own companion, for clients that know nothing of it. Not one of `servers`. */
export const companion: InteropServer = {
  name: 'companion',
  language: 'typescript',
  package: 'resilient-mcp',
  version: 'of this checkout',
  needs: [],
  installation: { inputs: [], install: async () => {} },
  command: ({ port }) => ({
    program: process.execPath,
    args: [programFile('companion-server.ts'), String(port)],
  }),
};
