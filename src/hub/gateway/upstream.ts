import { ResilientTransport, type ResilientTransportOptions } from '../../client/index.ts';
import type { HeaderFields } from '../../client/options.ts';
import { ResilientMcpError } from '../../protocol/errors.ts';
import {
  CONNECT_PATIENCE_MS,
  type OpenHow,
  type ServerDefinition,
  type UpstreamConnection,
} from '../server-definition.ts';

const MAX_NAME_LENGTH = 64;

/** A server behind the gateway: reached by Streamable HTTP, or by connections that the caller opens. */
export type GatewayUpstream = HttpUpstream | OpenUpstream;

/** Options of both kinds of servers. */
interface SharedOption {
  /**
   * Whether all clients share one session of the server. Default false: each client has a separate session.
   * For a server that is expensive to start or hold and keeps no state for each client.
   */
  readonly shared?: boolean;
}

/** A server whose connections the caller opens: a process, legacy SSE, another endpoint. */
export interface OpenUpstream extends SharedOption {
  /**
   * Creates a connection, not started. Called once for each client session; once for all when they share one.
   */
  readonly open: (how: OpenHow) => UpstreamConnection;
  /**
   * The caller's key for comparing two upstreams in {@link Gateway.apply}. Default: the function `open`
   * itself.
   */
  readonly identity?: string;
}

/** A server behind Streamable HTTP: its URL and the options of each connection. */
export interface HttpUpstream
  extends SharedOption,
    Omit<ResilientTransportOptions, 'headers' | 'sessionId' | 'resume' | 'takeOver'> {
  readonly url: string | URL;
  /** Sent with every request to this server only. A function is called for each request. */
  readonly headers?: Readonly<Record<string, string>> | (() => HeaderFields | Promise<HeaderFields>);
  /**
   * How long a client's `initialize` waits while the server is unavailable, in ms. Default 10,000, more than
   * for a direct connection: most clients try only once.
   */
  readonly connectPatienceMs?: number;
}

/** The servers of a gateway, by name. */
export type GatewayUpstreams = Readonly<Record<string, GatewayUpstream>>;

/** Throws `INVALID_CONFIGURATION`, with the key, for an unusable server. */
export function checkUpstreams(upstreams: GatewayUpstreams): void {
  for (const [name, upstream] of Object.entries(upstreams)) {
    const key = `upstreams[${JSON.stringify(name.slice(0, MAX_NAME_LENGTH))}]`;
    if (!isUsableName(name)) {
      throw invalid(`${key} needs a name of 1 to ${MAX_NAME_LENGTH} characters, not "." or "..".`);
    }
    if ('open' in upstream && 'url' in upstream) throw invalid(`${key} has both a url and open().`);
    // Created and discarded: an unusable URL must fail now, not at the first client.
    if (!('open' in upstream)) connectionTo(upstream);
  }
}

/** `.` and `..` never reach a server: every client resolves them. A lone surrogate cannot be encoded. */
function isUsableName(name: string): boolean {
  const fits = name.length > 0 && name.length <= MAX_NAME_LENGTH && name !== '.' && name !== '..';
  return fits && !/\p{Surrogate}/u.test(name);
}

export function invalid(message: string): ResilientMcpError {
  return new ResilientMcpError('INVALID_CONFIGURATION', message);
}

/** The definition of a gateway's server for its hub. */
export function definitionOf(name: string, upstream: GatewayUpstream): ServerDefinition {
  const { shared = false } = upstream;
  const patience = 'connectPatienceMs' in upstream ? upstream.connectPatienceMs : undefined;
  const isNamed = 'open' in upstream && upstream.identity !== undefined;
  return {
    name,
    endpoint: name,
    identity: isNamed ? upstream.identity : upstream,
    shared,
    connectPatienceMs: patience ?? CONNECT_PATIENCE_MS,
    type: 'http',
    target: '',
    open: (how) => ('open' in upstream ? upstream.open(howOf(how)) : connectionTo(upstream, howOf(how))),
  };
}

function howOf({ connectPatienceMs, takeOver = false, resume }: Partial<OpenHow> = {}): OpenHow {
  return { connectPatienceMs: connectPatienceMs ?? CONNECT_PATIENCE_MS, takeOver, resume };
}

function connectionTo(
  { url, headers, requestInit, shared: _, ...options }: HttpUpstream,
  how?: OpenHow,
): ResilientTransport {
  const fixed = typeof headers === 'function' ? {} : headers;
  const init = { ...requestInit, headers: { ...entriesOf(requestInit?.headers), ...fixed } };
  return new ResilientTransport(url, {
    ...options,
    ...how,
    requestInit: init,
    ...(typeof headers === 'function' && { headers }),
  });
}

function entriesOf(headers: HeaderFields | undefined): Record<string, string> {
  return Object.fromEntries(new Headers(headers));
}
