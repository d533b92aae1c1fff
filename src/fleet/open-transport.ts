import { ResilientMcpError } from '../protocol/errors.ts';
import type { Environment } from '../session/environment.ts';
import type { HealingTransport } from '../session/healing-transport.ts';
import { ResilientTransport } from '../session/resilient-transport.ts';
import type { ResumableSession } from '../session/resumable.ts';
import type { ServerConfig } from './server-config.ts';

/** What connections to servers need of the world, handed in by the editor or the command line. */
export interface TransportEdge {
  /** Clock, randomness, ids and `fetch`. Default: the platform's. */
  readonly environment?: Partial<Environment>;
  /** How local servers are started. Without it, those of type `stdio` and `module` are refused in words. */
  readonly processes?: ProcessEdge;
}

/** Where and as what local servers run. */
export interface ProcessEdge {
  /** The folder in which they start, and from which relative paths are read. */
  readonly cwd: string;
  /** The variables that each is given, beside its own. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The program that runs `resilient-mcp serve`, and its arguments up to that word. */
  readonly serve: { readonly command: string; readonly args: readonly string[] };
}

/** How one connection is opened: what a configuration does not say. */
export interface OpenOptions {
  /**
   * How long the first `initialize` is tried again while the server is unavailable, in ms. Default `Infinity`: until
   * closed.
   */
  readonly connectPatienceMs?: number;
  /** How long one request waits for a session, in ms. Default 30,000. */
  readonly patienceMs?: number;
  /** The session of an earlier connection to go on with, where the transport of that type can. */
  readonly resume?: ResumableSession | undefined;
  /** How long `close()` waits for the end of the session, in ms. Default: what the transport of that type has. */
  readonly closeTimeoutMs?: number;
}

/** Makes the connection to one server. Nothing happens before its `start()`. */
export type OpenTransport = (config: ServerConfig, options?: OpenOptions) => HealingTransport;

/** Makes connections to servers of every type. */
export function transportOpener(edge: TransportEdge): OpenTransport {
  return (config, options = {}) => {
    switch (config.type) {
      case 'http':
        return new ResilientTransport(config.url, {
          requestInit: { headers: config.headers },
          replay: config.replay,
          endSessionOnClose: config.endSession,
          connectPatienceMs: Number.POSITIVE_INFINITY,
          ...options,
          ...(edge.environment && { environment: edge.environment }),
        });
      default:
        throw new ResilientMcpError(
          'INVALID_CONFIGURATION',
          `Servers of type "${config.type}" are not connected yet.`,
        );
    }
  };
}
