import { resolve } from 'node:path';
import { type Clock, type Environment, systemEnvironment } from '../../base/environment.ts';
import type { ClosableClient, HttpClient } from '../../base/http-client.ts';
import type { HealingTransport } from '../../client/healing-transport.ts';
import type { ResilientTransportOptions } from '../../client/options.ts';
import { ResilientTransport } from '../../client/resilient-transport.ts';
import { NodeClient } from '../../client/wire/http/node/node-client.ts';
import type { ModuleServerConfig } from '../../config/server-config.ts';
import { type ModulePlace, ModuleServer, ModuleServers } from '../../processes/module-server.ts';
import { secretsOfProgram, variablesOf } from '../../processes/program.ts';
import type { ProcessEdge } from './open-program.ts';

const SESSION_KEY_VARIABLE = 'RESILIENT_MCP_SESSION_KEY';

/** How to run `resilient-mcp serve`. */
export interface ServeProgram {
  readonly command: string;
  /** Arguments before the word `serve`: the script of the command line, and options of its runtime. */
  readonly args: readonly string[];
  /** Additional variables, for example one that makes an editor's executable act as Node.js. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Opens connections to modules. All connections to one entry share its process. */
export class ModuleOpener {
  readonly #edge: ProcessEdge & { readonly serve: ServeProgram };
  readonly #environment: Environment;
  readonly #servers = new ModuleServers();

  constructor(
    edge: ProcessEdge & { readonly serve: ServeProgram },
    environment: Partial<Environment> | undefined,
  ) {
    this.#edge = edge;
    this.#environment = systemEnvironment(environment);
  }

  open(config: ModuleServerConfig, options: ResilientTransportOptions): HealingTransport {
    const { name, module, env, inheritEnv, startFolder = this.#edge.cwd } = config;
    const file = resolve(startFolder, module);
    const place = this.#servers.place(
      JSON.stringify([name, file, Object.entries(env).sort(), inheritEnv]),
      () => moduleServer(config, this.#edge, this.#environment),
    );
    // The socket is unknown before the process runs, and changes each time; the sessions stay the same.
    const endpoint = new URL(`http://module.invalid/${encodeURIComponent(file)}`);
    const client = socketClient(this.#environment.clock);
    const environment = { ...this.#environment, http: clientOf(endpoint, place, client.send) };
    return new ModuleTransport(endpoint, { ...options, environment }, { place, client });
  }
}

/** The server of a module, not started: a separate process. */
export function moduleServer(
  config: Pick<ModuleServerConfig, 'module' | 'env' | 'inheritEnv' | 'startFolder'>,
  { serve, cwd: usual, env: parent }: ProcessEdge & { readonly serve: ServeProgram },
  { newId, clock }: Pick<Environment, 'newId' | 'clock'>,
): ModuleServer {
  const { module, env, inheritEnv, startFolder: cwd = usual } = config;
  // Other users cannot open the socket. On Windows that is less certain, so the path is secret too: the
  // variables of a process are readable by its user only, its arguments are not.
  const path = `/${newId()}/mcp`;
  // For `serve` itself, which hides it from the module: sessions continue even after `serve` is killed.
  const signing = parent[SESSION_KEY_VARIABLE];
  const key = signing === undefined ? {} : { [SESSION_KEY_VARIABLE]: signing };
  const program = {
    command: serve.command,
    args: [...serve.args, 'serve', resolve(cwd, module), '--socket', '--watch', '--with-stdin'],
    env: { ...variablesOf(parent, env, inheritEnv), ...key, ...serve.env, RESILIENT_MCP_PATH: path },
    cwd,
  };
  const secrets = secretsOfProgram(program, { ...env, RESILIENT_MCP_PATH: path });
  return new ModuleServer({ program, path, clock, secrets });
}

/** Holds its module's server until closed. */
class ModuleTransport extends ResilientTransport {
  readonly #place: ModulePlace;
  readonly #client: ClosableClient;

  constructor(
    endpoint: URL,
    options: ResilientTransportOptions,
    { place, client }: { readonly place: ModulePlace; readonly client: ClosableClient },
  ) {
    super(endpoint, options);
    this.#place = place;
    this.#client = client;
    place.read((text) => this.connection.serverWrote(text));
  }

  override async close(options: { readonly keepSession?: boolean } = {}): Promise<void> {
    await super.close(options);
    await this.#client.close();
    await this.#place.leave();
  }
}

/** An HTTP client for a module, at its current socket. */
function clientOf(endpoint: URL, place: ModulePlace, send: HttpClient): HttpClient {
  return async (url, init) => {
    if (url.href !== endpoint.href) throw new TypeError('a module is met at no other address');
    // A process is not started only to answer a DELETE.
    if (init.method === 'DELETE' && !place.isTaken) throw new TypeError('the module is not served');
    const address = await orAborted(place.address(), init.signal ?? undefined);
    return send(address.url, { ...init, socketPath: address.socketPath });
  };
}

/** Unix sockets need `node:http`. */
export function socketClient(clock: Clock): ClosableClient {
  const fallback = () => Promise.reject(new TypeError('There is no node:http here.'));
  return new NodeClient(fallback, clock);
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}
