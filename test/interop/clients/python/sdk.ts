import type { InteropClient } from '../../client.ts';
import { fromPip, programFile, pythonIn } from '../../install.ts';
import { pythonSdk } from '../../servers/python/sdk.ts';

const [upstream] = pythonSdk;
if (!upstream) throw new Error('there is no server of the Python SDK');

const made = (version: string, file: string): InteropClient => ({
  name: `python-client-${version}`,
  language: 'python',
  package: 'mcp',
  version,
  needs: ['python3'],
  installation: fromPip([`mcp==${version}`]),
  command: ({ folder, url, token }) => ({
    program: pythonIn(folder),
    args: ['-B', programFile(`python/${file}`), url],
    env: token === undefined ? {} : { INTEROP_TOKEN: token },
  }),
  upstream,
});

/** The clients of the official SDK, before a server that answers 400. */
export const pythonClients: readonly InteropClient[] = [
  made('1.30.0', 'mcp_1_client.py'),
  made('2.3.0', 'mcp_2_client.py'),
];
