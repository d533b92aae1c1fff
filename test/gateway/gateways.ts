import { Client, type ClientOptions } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  Gateway,
  type GatewayOptions,
  type GatewayRecord,
  type HttpUpstream,
  type OpenUpstream,
} from '../../src/hub/gateway/index.ts';
import { quick } from '../support/connected.ts';
import { codeOf } from '../support/failure.ts';
import { textOf } from '../support/sdk-client.ts';
import { Wire } from '../support/wire.ts';

/** A gateway that listens, in front of one server by the name of `one`. */
export interface Opened extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly url: string;
  /** What a client of it has to send. */
  readonly authorization: { readonly authorization: string };
  readonly log: readonly GatewayRecord[];
}

export interface OpenedOptions extends Omit<GatewayOptions, 'upstreams'> {
  readonly upstream?: Partial<HttpUpstream> | OpenUpstream;
}

export async function opened(url: string, { upstream, ...options }: OpenedOptions = {}): Promise<Opened> {
  const log: GatewayRecord[] = [];
  const gateway = new Gateway({
    upstreams: { one: upstream && 'open' in upstream ? upstream : { ...quick, url, ...upstream } },
    log: (record) => log.push(record),
    ...options,
  });
  await gateway.start();
  return {
    gateway,
    url: gateway.urlOf('one'),
    authorization: { authorization: `Bearer ${gateway.token}` },
    log,
    [Symbol.asyncDispose]: () => gateway.close(),
  };
}

/** An unmodified SDK client behind a gateway: nothing in it knows how to recover. */
export interface Plain extends AsyncDisposable {
  readonly client: Client;
  readonly transport: StreamableHTTPClientTransport;
  /** Calls a tool; gives its text, or the code of the error that the gateway answered with. */
  call(tool: string, args?: Record<string, unknown>): Promise<string>;
}

export interface PlainOptions {
  readonly client?: ClientOptions;
  /** Called with the client before it connects: request handlers go here. */
  readonly prepare?: (client: Client) => void;
}

export async function plain(
  opened: Pick<Opened, 'url' | 'authorization'>,
  options: PlainOptions = {},
): Promise<Plain> {
  const transport = transportTo(opened);
  const client = new Client({ name: 'plain', version: '1.0.0' }, options.client);
  options.prepare?.(client);
  await client.connect(transport as Parameters<Client['connect']>[0]);
  return {
    client,
    transport,
    call: (name, args = {}) => client.callTool({ name, arguments: args }).then(textOf, codeOf),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

function transportTo({
  url,
  authorization,
}: Pick<Opened, 'url' | 'authorization'>): StreamableHTTPClientTransport {
  return new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: authorization } });
}

/** Bytes to a gateway, with its token and no SDK between them and the test. */
export class WireTo extends Wire {
  readonly #opened: Pick<Opened, 'url' | 'authorization'>;

  constructor(opened: Pick<Opened, 'url' | 'authorization'>) {
    super(opened.url);
    this.#opened = opened;
  }

  override fetch(
    method: string,
    body?: object | string,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return super.fetch(method, body, { ...this.#opened.authorization, ...headers });
  }
}
