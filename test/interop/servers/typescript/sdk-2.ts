import type { InteropServer } from '../../server.ts';
import { nodeProgram } from './node-program.ts';

const server = { package: '@modelcontextprotocol/server', version: '2.4.0' };
const others = ['@modelcontextprotocol/node@2.1.2', 'zod@4.6.7'];

/** SDK 2: with sessions, which it serves to clients of before 2026-07-28, and as it is by default. */
export const sdk2: readonly InteropServer[] = [
  nodeProgram({
    ...server,
    name: 'sdk-2-sessions',
    note: 'A Map of its transports; unknown ids are answered as its documentation says.',
    with: others,
    file: 'v2-sessions.mjs',
  }),
  nodeProgram({
    ...server,
    name: 'sdk-2-handler',
    note: '`createMcpHandler`, as it is by default.',
    with: others,
    file: 'v2-handler.mjs',
  }),
];
