import { join } from 'node:path';
import { fromNpm } from '../../install.ts';
import type { InteropServer } from '../../server.ts';
import { nodeProgram } from './node-program.ts';

/** The oldest of the last versions that answer 400, and the newest, which answers 404. */
const versions = ['1.29.0', '1.32.2'];

/**
 * The example that most servers in TypeScript began as a copy of: a Map of transports. Run as the package holds it. It
 * comes as `dist/esm/examples`, whose own packages (express, zod) the SDK depends on.
 */
export const sdkExamples: readonly InteropServer[] = versions.map((version) => ({
  name: `sdk-example-${version}`,
  language: 'typescript',
  package: '@modelcontextprotocol/sdk',
  version,
  note: 'Its own example `simpleStreamableHttp`, unchanged.',
  needs: ['npm'],
  installation: fromNpm([`@modelcontextprotocol/sdk@${version}`]),
  command: ({ folder, port }) => ({
    program: process.execPath,
    args: [
      join(folder, 'node_modules/@modelcontextprotocol/sdk/dist/esm/examples/server/simpleStreamableHttp.js'),
    ],
    env: { MCP_PORT: String(port) },
  }),
  tool: { name: 'greet', arguments: (key) => ({ name: key }) },
}));

/** The transport by itself: what it answers when no Map stands in front of it. */
export const sdkOneTransport: InteropServer = nodeProgram({
  name: 'sdk-one-transport',
  package: '@modelcontextprotocol/sdk',
  version: '1.32.2',
  note: 'One transport for the process, and so one session: ended by DELETE, it takes no other.',
  holdsOneSession: true,
  with: ['zod@4.6.7'],
  file: 'one-transport.mjs',
});
