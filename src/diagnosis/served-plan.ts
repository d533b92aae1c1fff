import type { ModuleAddress, ModuleServer } from '../processes/module-server.ts';
import { describeError, isResilientMcpError } from '../protocol/errors.ts';
import { type CheckId, type Finding, ok, problem, SHOWN_OF_BODY, skipped } from './check.ts';
import { Redaction } from './redaction.ts';
import type { Check, Plan } from './run.ts';

/** A module, and the process that is to serve it. */
export interface ServedTarget {
  readonly name: string;
  readonly target: string;
  /** The configuration as a sentence, without secrets. */
  readonly configured: string;
  readonly server: Pick<ModuleServer, 'address' | 'close' | 'read'>;
  readonly startLimitMs: number;
}

/** At most so many lines are shown with one check. */
const MAX_LINES = 10;

/** Those that say something of a server on this machine which was started a moment ago. */
const WORTH_A_LOOK: ReadonlySet<CheckId> = new Set<CheckId>([
  'http',
  'initialize',
  'era',
  'session',
  'unknown-session',
  'stream',
  'resumption',
  'tools',
  'end',
]);

/**
 * The checks of a module: it is served by a process of its own for as long as they take, and looked at there.
 * @param plan the checks of an HTTP server that is met there
 */
export function servedPlan(target: ServedTarget, plan: (address: ModuleAddress) => Plan): Plan {
  const { name, server, configured, startLimitMs } = target;
  let served: Plan | undefined;
  const written: string[] = [];
  const redaction = new Redaction();
  server.read(
    (line) => written.length < MAX_LINES && written.push(redaction.clean(line).slice(0, SHOWN_OF_BODY)),
  );
  /** What was written meanwhile belongs to what is seen: why a module cannot be loaded, say. */
  const heard =
    (look: Check['look']): Check['look'] =>
    async (signal, seen) => {
      try {
        return await look(signal, seen);
      } finally {
        for (const line of written.splice(0)) seen({ what: 'it wrote', body: line });
      }
    };
  const later = ({ id, title }: Check): Check => ({
    id,
    title,
    look: heard(async (signal, seen) => {
      const check = served?.checks.find((each) => each.id === id);
      return check ? check.look(signal, seen) : skipped('The module is not served.');
    }),
  });
  const start = async (): Promise<Finding> => {
    try {
      served = plan(await server.address());
      return ok('The module is served, by a process of its own.');
    } catch (error) {
      const words = isResilientMcpError(error) ? error.message : describeError(error);
      return problem(/[.!?]$/.test(words) ? words : `${words}.`);
    }
  };
  return {
    server: { name, type: 'module', target: target.target },
    checks: [
      { id: 'configuration', title: 'Configuration', look: async () => ok(configured) },
      { id: 'start', title: 'Start', limitMs: startLimitMs, look: heard(start) },
      ...plan({ url: new URL('http://module.invalid/'), socketPath: '' })
        .checks.filter(({ id }) => WORTH_A_LOOK.has(id))
        .map(later),
    ],
    revised: () => new Map(),
    leave: async (signal) => {
      await served?.leave(signal);
      await server.close().catch(() => {});
    },
  };
}
