import { pathToFileURL } from 'node:url';
import { ResilientMcpError } from '../../protocol/errors.ts';
import type { SessionFactory } from '../../server/index.ts';

/**
 * The server factory of a module: its default export, or the export named `createServer`.
 *
 * @throws ResilientMcpError `INVALID_CONFIGURATION` when it exports none; whatever the module throws
 */
export async function factoryOf(path: string): Promise<SessionFactory> {
  const found: Record<string, unknown> = await import(pathToFileURL(path).href);
  // `module.exports` of CommonJS is the default export of its namespace.
  const common = isRecord(found.default) ? found.default : {};
  for (const candidate of [found.default, found.createServer, common.createServer, common.default]) {
    if (typeof candidate === 'function') return candidate as SessionFactory;
  }
  const advice = 'Export a function that makes one: export function createServer() { … }';
  if ([found.default, found.createServer].some(isServer)) {
    throw new ResilientMcpError(
      'INVALID_CONFIGURATION',
      `${path} exports a server object; each session needs one of its own.`,
      { advice },
    );
  }
  throw new ResilientMcpError(
    'INVALID_CONFIGURATION',
    `${path} exports no server factory, neither as default nor as createServer.`,
    { advice },
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isServer(value: unknown): boolean {
  return isRecord(value) && typeof value.connect === 'function';
}
