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

/** What connections to servers need of the world, handed in by the editor or the command line. */
export interface TransportEdge {
  /** Clock, randomness, ids and `fetch`. Default: the platform's. */
  readonly environment?: Partial<Environment>;
  /** How local servers are started. Without it, those of type `stdio` and `module` are refused in words. */
  readonly processes?: ProcessEdge & { readonly serve: ServeProgram };
}

/** How one connection is opened: what a configuration does not say. */
export interface OpenOptions extends Omit<HealingOptions, 'environment' | 'replay'> {
  /**
   * How long the first `initialize` is tried again while the server is unavailable, in ms. Default `Infinity`: until
   * closed.
   */
  readonly connectPatienceMs?: number;
  /** How long `close()` waits for the end of the session, in ms. Default: what the transport of that type has. */
  readonly closeTimeoutMs?: number;
  /** The session of an earlier connection to go on with, where the transport of that type can. */
  readonly resume?: ResumableSession | undefined;
}

/** Makes the connection to one server. Nothing happens before its `start()`. */
export type OpenTransport = (config: ServerConfig, options?: OpenOptions) => HealingTransport;

/** Makes connections to servers of every type. Those to one module share its process, if one opener has made them. */
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
