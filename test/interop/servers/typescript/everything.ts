import { join } from 'node:path';
import { fromNpm } from '../../install.ts';
import type { InteropServer } from '../../server.ts';

const name = '@modelcontextprotocol/server-everything';
const version = '2026.8.31';

/** The reference server in its Streamable HTTP mode. */
export const everything: InteropServer = {
  name: 'server-everything',
  language: 'typescript',
  package: name,
  version,
  needs: ['npm'],
  installation: fromNpm([`${name}@${version}`]),
  command: ({ folder, port }) => ({
    program: process.execPath,
    args: [join(folder, 'node_modules', name, 'dist/index.js'), 'streamableHttp'],
    env: { PORT: String(port) },
  }),
  tool: { name: 'echo', arguments: (key) => ({ message: key }) },
};
