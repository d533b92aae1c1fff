import { join } from 'node:path';
import { fromNpm } from '../../install.ts';
import type { InteropServer, Place } from '../../server.ts';

const IDLE_EXPIRY = { afterMs: 1000, goneMs: 3000 };

const wrapped = ['@modelcontextprotocol/sdk@1.32.2', 'zod@4.6.7'];
const sources = ['typescript/stdio-server.mjs', 'typescript/counted.mjs'];
const stdioServer = ({ folder }: Place) => join(folder, 'stdio-server.mjs');

/** What serves a stdio server by Streamable HTTP: each session is a process of that server. */
export const supergateway: InteropServer = {
  name: 'supergateway',
  language: 'typescript',
  package: 'supergateway',
  version: '4.0.0',
  note: 'With `--stateful`, in front of a stdio server.',
  needs: ['npm'],
  installation: fromNpm(['supergateway@4.0.0', ...wrapped], ...sources),
  command: (place) => ({
    program: process.execPath,
    args: [
      join(place.folder, 'node_modules/supergateway/dist/index.js'),
      ...['--stdio', `"${process.execPath}" "${stdioServer(place)}"`],
      ...['--outputTransport', 'streamableHttp', '--stateful', '--port', String(place.port)],
      ...(place.idleMs === undefined ? [] : ['--sessionTimeout', String(place.idleMs)]),
    ],
  }),
  idleExpiry: IDLE_EXPIRY,
};

export const mcpProxy: InteropServer = {
  name: 'mcp-proxy-typescript',
  language: 'typescript',
  package: 'mcp-proxy',
  version: '6.7.19',
  note: 'In front of a stdio server.',
  needs: ['npm'],
  installation: fromNpm(['mcp-proxy@6.7.19', ...wrapped], ...sources),
  command: (place) => ({
    program: process.execPath,
    args: [
      join(place.folder, 'node_modules/mcp-proxy/dist/bin/mcp-proxy.mjs'),
      ...['--host', '127.0.0.1', '--port', String(place.port)],
      ...(place.idleMs === undefined ? [] : ['--sessionIdleTimeout', String(place.idleMs)]),
      ...['--', process.execPath, stdioServer(place)],
    ],
  }),
  idleExpiry: IDLE_EXPIRY,
};
