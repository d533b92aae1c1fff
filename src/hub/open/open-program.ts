import { isAbsolute, resolve } from 'node:path';
import { type Clock, type Environment, systemEnvironment } from '../../base/environment.ts';
import { ConnectionTransport } from '../../client/connection-transport.ts';
import type { FaultKind } from '../../client/fault.ts';
import type { HealingTransport } from '../../client/healing-transport.ts';
import { DEFAULT_LIMITS, type HealingOptions } from '../../client/options.ts';
import { SdkConnector } from '../../client/wire/sdk/sdk-wire.ts';
import type { StdioServerConfig } from '../../config/server-config.ts';
import { ProcessTransport } from '../../processes/process-transport.ts';
import { type Program, secretsOfProgram, variablesOf } from '../../processes/program.ts';

/** Working folder and environment of local servers. */
export interface ProcessEdge {
  /** Default working folder, absolute. Relative paths are resolved against it. */
  readonly cwd: string;
  /**
   * Variables of every server, besides its own. Those of the editor itself and of this project are left out.
   */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Restart limits of programs. A start costs more than an HTTP handshake; a program that crashes ten times in
 * a minute waits six seconds before each further start.
 */
const PROCESS_RECOVERY = {
  initialDelayMs: 200,
  maxDelayMs: 10_000,
  budget: 10,
} as const;

/** Time for a program to exit when its connection closes, in ms; then it is killed. */
const PROCESS_CLOSE_TIMEOUT_MS = 1500;

/** A connection to a program that speaks MCP over stdio. */
export function openStdio(
  config: StdioServerConfig,
  edge: ProcessEdge,
  environment: Partial<Environment> | undefined,
  options: HealingOptions,
): HealingTransport {
  const world = systemEnvironment(environment);
  const { make, secrets } = programTransports(config, edge, world.clock, options.limits);
  return new ProgramConnection(make, secrets, world, {
    closeTimeoutMs: PROCESS_CLOSE_TIMEOUT_MS,
    ...options,
  });
}

/** A connection whose session is a process. */
class ProgramConnection extends ConnectionTransport {
  readonly #kill: () => void;

  constructor(
    make: () => ProcessTransport,
    secrets: ReadonlyMap<string, string>,
    world: Environment,
    options: HealingOptions,
  ) {
    let last: ProcessTransport | undefined;
    const makeAnother = () => {
      last = make();
      return last;
    };
    const maker = new SdkConnector(makeAnother, { clock: world.clock, secrets });
    super(maker, world, options, { recovery: PROCESS_RECOVERY });
    this.#kill = () => last?.kill();
  }

  protected override get faultKinds(): readonly FaultKind[] {
    return ['kill'];
  }

  protected override inject(): void {
    this.#kill();
  }
}

/**
 * Creates transports to a program, and reports output that must not be shown. Each transport starts the
 * program.
 */
export function programTransports(
  { command, args, env, inheritEnv, startFolder, cwd = '.' }: StdioServerConfig,
  edge: ProcessEdge,
  clock: Clock,
  limits: HealingOptions['limits'] = {},
): { readonly make: () => ProcessTransport; readonly secrets: ReadonlyMap<string, string> } {
  const folder = resolve(startFolder ?? edge.cwd, cwd);
  const program: Program = {
    command: commandIn(folder, command),
    args,
    env: variablesOf(edge.env, env, inheritEnv),
    cwd: folder,
  };
  const secrets = secretsOfProgram(program, env);
  const { maxEventLength: maxMessageBytes } = { ...DEFAULT_LIMITS, ...limits };
  return { make: () => new ProcessTransport({ program, clock, secrets, maxMessageBytes }), secrets };
}

/** `./server` is relative to the server's working folder; the system would resolve it against ours. */
function commandIn(folder: string, command: string): string {
  return /[\\/]/.test(command) && !isAbsolute(command) ? resolve(folder, command) : command;
}
