import type { InteropClient } from '../../client.ts';
import { fromGo, goProgramIn } from '../../servers/go/go-program.ts';
import { goSdk } from '../../servers/go/go-sdk.ts';

const module = 'github.com/modelcontextprotocol/go-sdk';
const version = 'v1.8.0';

/** The client of the official SDK. */
export const goClient: InteropClient = {
  name: 'go-client',
  language: 'go',
  package: module,
  version,
  needs: ['go'],
  installation: fromGo({ module, version, packages: ['mcp'], files: ['sdk_client.go'] }),
  command: ({ folder, url, token }) => ({
    program: goProgramIn(folder),
    args: [url],
    env: token === undefined ? {} : { INTEROP_TOKEN: token },
  }),
  upstream: goSdk,
};
