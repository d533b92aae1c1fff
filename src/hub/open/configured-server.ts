import type { ServerConfig } from '../../config/server-config.ts';
import { CONNECT_PATIENCE_MS, type ServerDefinition } from '../server-definition.ts';
import type { OpenTransport } from './open-transport.ts';

/** The definition of a configured server. @param endpoint its name in URLs, when its own is unsuitable */
export function configuredServer(
  config: ServerConfig,
  open: OpenTransport,
  endpoint = config.name,
): ServerDefinition {
  const { name, type, shared } = config;
  return {
    name,
    endpoint,
    identity: config,
    shared,
    connectPatienceMs: CONNECT_PATIENCE_MS,
    type,
    target: targetOf(config),
    open: (how) => open(config, how),
  };
}

/** Without query and arguments, which may hold a key: displays show the target. */
function targetOf(config: ServerConfig): string {
  if (config.type === 'stdio') return config.written ?? config.command;
  if (config.type === 'module') return config.written ?? config.module;
  // With placeholders: their values may be secret, and the template need not be a URL.
  if (config.written !== undefined) return config.written.replace(/[?#].*$/s, '');
  const { origin, pathname } = new URL(config.url);
  return origin + pathname;
}
