import { dirname, join } from 'node:path';
import { fromPip, pythonIn } from '../../install.ts';
import type { InteropServer } from '../../server.ts';

/** Serena by HTTP. No project is opened, which would start language servers: the tool answers that there is none. */
export const serena: InteropServer = {
  name: 'serena',
  language: 'python',
  package: 'serena-agent',
  version: '2.1.0',
  note: 'In its Streamable HTTP mode, without a project: the tool answers that there is none.',
  needs: ['python3'],
  installation: fromPip(['serena-agent==2.1.0']),
  command: ({ folder, port, ledger }) => ({
    program: pythonIn(folder),
    args: [
      join(dirname(pythonIn(folder)), 'serena'),
      ...['start-mcp-server', '--transport', 'streamable-http', '--port', String(port)],
      ...[
        '--enable-web-dashboard',
        'false',
        '--open-web-dashboard',
        'false',
        '--enable-gui-log-window',
        'false',
      ],
    ],
    // What it keeps of its own stays out of the user's home.
    env: { SERENA_HOME: join(dirname(ledger), 'serena') },
  }),
  tool: { name: 'serena_repl', arguments: (key) => ({ session: 'interop', code: `print('${key}')` }) },
  startLimitMs: 60_000,
};
