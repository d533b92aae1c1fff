import type { InteropServer } from '../../server.ts';
import { fromGo, goProgramIn } from './go-program.ts';

const module = 'github.com/modelcontextprotocol/go-sdk';
const version = 'v1.8.0';

/** The official SDK. */
export const goSdk: InteropServer = {
  name: 'go-sdk',
  language: 'go',
  package: module,
  version,
  needs: ['go'],
  installation: fromGo({ module, version, packages: ['mcp'], files: ['sdk_server.go', 'counted.go'] }),
  command: ({ folder, port, idleMs }) => ({
    program: goProgramIn(folder),
    args: [String(port), ...(idleMs === undefined ? [] : [String(idleMs)])],
  }),
  idleExpiry: { afterMs: 1000, goneMs: 3000 },
};
