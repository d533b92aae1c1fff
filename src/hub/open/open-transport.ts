import type { Environment } from '../../base/environment.ts';
import type { HealingTransport } from '../../client/healing-transport.ts';
import type { ResumableSession } from '../../client/memory/resumable.ts';
import type { HealingOptions } from '../../client/options.ts';
import { ResilientTransport } from '../../client/resilient-transport.ts';
import type { ServerConfig } from '../../config/server-config.ts';
import { ResilientMcpError } from '../../protocol/errors.ts';
import { ModuleOpener, type ServeProgram } from './open-module.ts';
import { openStdio, type ProcessEdge } from './open-program.ts';
import { openSse } from './open-sse.ts';

/** Environment of server connections, supplied by the editor or the command line. */
export interface TransportEdge {
  /** Clock, randomness, ids and `fetch`. Default: the platform's. */
  readonly environment?: Partial<Environment>;
  /** How local servers start. Without it, types `stdio` and `module` are refused with a message. */
  readonly processes?: ProcessEdge & { readonly serve: ServeProgram };
}

/** Options of one connection that are not part of the configuration. */
export interface OpenOptions extends Omit<HealingOptions, 'environment' | 'replay'> {
  /**
   * How long the first `initialize` is retried while the server is unavailable, in ms. Default `Infinity`:
   * until closed.
   */
  readonly connectPatienceMs?: number;
  /** How long `close()` waits for the session to end, in ms. Default: that of the transport type. */
  readonly closeTimeoutMs?: number;
  /** The session of an earlier connection to resume, if the transport type supports it. */
  readonly resume?: ResumableSession | undefined;
}

/** Creates the connection to one server. Nothing happens before its `start()`. */
export type OpenTransport = (config: ServerConfig, options?: OpenOptions) => HealingTransport;

/**
 * Creates connections to servers of every type. Connections to one module share its process if they come from
 * the same opener.
 */
export function transportOpener(edge: TransportEdge): OpenTransport {
  const { environment, processes } = edge;
  const modules = processes && new ModuleOpener(processes, environment);
  return (config, options = {}) => {
    const { replay } = config;
    const healing = { replay, connectPatienceMs: Number.POSITIVE_INFINITY, ...options };
    switch (config.type) {
      case 'http':
        return new ResilientTransport(config.url, {
          requestInit: { headers: config.headers },
          endSessionOnClose: config.endSession,
          ...healing,
          ...(environment && { environment }),
        });
      case 'sse':
        return openSse(config, environment, healing);
      case 'stdio':
        if (processes) return openStdio(config, processes, environment, healing);
        break;
      case 'module':
        if (modules) return modules.open(config, healing);
    }
    const message = `A server of type "${config.type}" is a local process, and none can be started here.`;
    throw new ResilientMcpError('INVALID_CONFIGURATION', message);
  };
}
