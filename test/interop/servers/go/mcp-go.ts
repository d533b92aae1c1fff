import type { InteropServer } from '../../server.ts';
import { fromGo, goProgramIn } from './go-program.ts';

const module = 'github.com/mark3labs/mcp-go';
const version = 'v1.2.1';

const installation = fromGo({
  module,
  version,
  packages: ['mcp', 'server'],
  files: ['mcp_go_server.go', 'counted.go'],
});

/** mcp-go as it is by default, and with a memory of its sessions. */
export const mcpGo: readonly InteropServer[] = [
  made({
    name: 'mcp-go',
    mode: 'generating',
    note: 'As it is by default: it takes every id that has the form of its own.',
  }),
  made({
    name: 'mcp-go-stateful',
    mode: 'stateful',
    note: '`WithStateful`.',
    idleExpiry: { afterMs: 1000, goneMs: 4000 },
  }),
];

interface Mode extends Pick<InteropServer, 'name' | 'note' | 'idleExpiry'> {
  /** What the program is started with. */
  readonly mode: 'generating' | 'stateful';
}

function made({ mode, ...given }: Mode): InteropServer {
  return {
    ...given,
    language: 'go',
    package: module,
    version,
    needs: ['go'],
    installation,
    command: ({ folder, port, idleMs }) => ({
      program: goProgramIn(folder),
      args: [String(port), mode, ...(idleMs === undefined ? [] : [String(idleMs)])],
    }),
  };
}
