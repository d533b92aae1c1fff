import type { Environment } from '../base/environment.ts';
import { asFetch } from '../client/wire/http/as-fetch.ts';
import { fetchClient } from '../client/wire/http/fetch-client.ts';
import type {
  ModuleServerConfig,
  ServerConfig,
  SseServerConfig,
  StdioServerConfig,
} from '../config/server-config.ts';
import { moduleServer, type ServeProgram, socketClient } from '../hub/open/open-module.ts';
import { type ProcessEdge, programTransports } from '../hub/open/open-program.ts';
import { sseTransport } from '../hub/open/open-sse.ts';
import { ResilientMcpError } from '../protocol/errors.ts';
import { httpPlan } from './http/plan.ts';
import { type NetworkEdge, Way } from './network.ts';
import { Redaction, withoutQueries } from './redaction.ts';
import type { Plan } from './run.ts';
import { servedPlan } from './served-plan.ts';
import { transportPlan } from './transport/plan.ts';

/** What a diagnosis needs of the world. */
export interface DiagnosisEdge {
  readonly environment: Environment;
  readonly network: NetworkEdge;
  /** How programs, and modules, are started. Without it, they are not looked at. */
  readonly processes?: (ProcessEdge & { readonly serve?: ServeProgram }) | undefined;
}

/** A program may begin with a download (`npx -y …`), in ms. */
const PROGRAM_START_MS = 45_000;

/**
 * The checks that fit a server.
 * @throws ResilientMcpError `INVALID_CONFIGURATION` for a local server where none can be started
 */
export function planFor(config: ServerConfig, edge: DiagnosisEdge, product: string): Plan {
  switch (config.type) {
    case 'http':
      return httpPlan(config, { ...edge.environment, network: edge.network }, product);
    case 'sse':
      return ssePlan(config, edge, product);
    case 'stdio':
      return stdioPlan(config, edge, product);
    case 'module':
      return modulePlan(config, edge, product);
  }
}

function ssePlan(config: SseServerConfig, { environment, network }: DiagnosisEdge, product: string): Plan {
  const url = new URL(config.url);
  const { clock, fetch } = environment;
  const way = new Way(url, network, clock);
  return transportPlan(
    {
      server: { name: config.name, type: 'sse', target: `${url.origin}${url.pathname}` },
      configured: `${withoutQueries(config.url)}${namesOf(', with the headers', config.headers)}.`,
      transport: sseTransport(config, { http: fetchClient(fetch), clock }),
      way: { checks: way.checks, blocked: () => way.blocked },
    },
    clock,
    new Redaction(new Headers(config.headers)),
    product,
  );
}

function modulePlan(config: ModuleServerConfig, edge: DiagnosisEdge, product: string): Plan {
  const { processes, environment, network } = edge;
  const serve = processes?.serve;
  if (!processes || !serve) throw notStartable(config.name);
  const { name, module, env } = config;
  return servedPlan(
    {
      name,
      target: config.written ?? module,
      configured: `${config.written ?? module}${namesOf(', with the variables', env)}.`,
      server: moduleServer(config, { ...processes, serve }, environment),
      startLimitMs: PROGRAM_START_MS,
    },
    ({ url, socketPath }) => {
      const client = socketClient(environment.clock);
      const fetch = asFetch((at, init) => client.send(at, { ...init, socketPath }));
      const plan = httpPlan(
        { name, url: url.href, headers: {} },
        { ...environment, fetch, network },
        product,
      );
      return { ...plan, leave: (signal) => plan.leave(signal).finally(() => client.close()) };
    },
  );
}

function stdioPlan(config: StdioServerConfig, edge: DiagnosisEdge, product: string): Plan {
  const { processes, environment } = edge;
  if (!processes) throw notStartable(config.name);
  const { make, secrets } = programTransports(config, processes, environment.clock);
  const { command, args, env, cwd } = config;
  const shown = config.written ?? command;
  const folder = cwd === undefined ? '' : `, in ${cwd}`;
  const redaction = new Redaction();
  redaction.hide(secrets);
  return transportPlan(
    {
      server: { name: config.name, type: 'stdio', target: shown },
      configured: `${shown}, ${args.length} ${args.length === 1 ? 'argument' : 'arguments'}${namesOf(', with the variables', env)}${folder}.`,
      transport: make(),
      startLimitMs: PROGRAM_START_MS,
    },
    environment.clock,
    redaction,
    product,
  );
}

function notStartable(name: string): ResilientMcpError {
  const message = `"${name}" is a local server, and none can be started here.`;
  return new ResilientMcpError('INVALID_CONFIGURATION', message);
}

function namesOf(prefix: string, values: Readonly<Record<string, string>>): string {
  const names = Object.keys(values);
  return names.length === 0 ? '' : `${prefix} ${names.join(', ')}`;
}
