import { join } from 'node:path';
import { fromNpm } from '../../install.ts';
import type { InteropServer } from '../../server.ts';

/** Playwright MCP by HTTP. No browser is needed for what is tried: the tool answers that there is none. */
export const playwright: InteropServer = {
  name: 'playwright-mcp',
  language: 'typescript',
  package: '@playwright/mcp',
  version: '0.0.83',
  note: 'With `--port`, and without a browser: the tool answers that there is none.',
  needs: ['npm'],
  installation: fromNpm(['@playwright/mcp@0.0.83']),
  command: ({ folder, port }) => ({
    program: process.execPath,
    args: [
      join(folder, 'node_modules/@playwright/mcp/cli.js'),
      // It lets in nobody who calls it by another name than localhost.
      ...['--host', '127.0.0.1', '--port', String(port), '--allowed-hosts', '*'],
      ...['--headless', '--isolated', '--executable-path', join(folder, 'no-browser')],
    ],
  }),
  tool: { name: 'browser_close', arguments: (key) => ({ key }) },
};
