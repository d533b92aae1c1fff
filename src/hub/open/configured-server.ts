import type { ServerConfig } from '../../config/server-config.ts';
import { CONNECT_PATIENCE_MS, type ServerDefinition } from '../server-definition.ts';
import type { OpenTransport } from './open-transport.ts';

/** A server of a configuration. @param endpoint its name in addresses, where that cannot be its own */
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

/** A query or an argument may hold a key, and a display is no place for it. */
function targetOf(config: ServerConfig): string {
  if (config.type === 'stdio') return config.written ?? config.command;
  if (config.type === 'module') return config.written ?? config.module;
  // Placeholders in it: what was put in may be a secret, and what they are in need be no URL.
  if (config.written !== undefined) return config.written.replace(/[?#].*$/s, '');
  const { origin, pathname } = new URL(config.url);
  return origin + pathname;
}
