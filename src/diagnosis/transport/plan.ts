import type { Clock } from '../../base/environment.ts';
import { describeError, isResilientMcpError } from '../../protocol/errors.ts';
import { LATEST_REVISION } from '../../protocol/http/headers.ts';
import { isErrorResponse } from '../../protocol/message.ts';
import type { WrappedTransport } from '../../protocol/wrapped-transport.ts';
import { type DiagnosedServer, type Finding, note, ok, problem, skipped } from '../check.ts';
import { CLAUSES } from '../clauses.ts';
import type { Redaction } from '../redaction.ts';
import type { Check, Plan } from '../run.ts';
import { toolsFinding } from '../tools.ts';
import { Conversation, Ended } from './conversation.ts';

/** A server that is met over a transport of the SDK's kind. */
export interface TransportTarget {
  readonly server: DiagnosedServer;
  /** The configuration as a sentence, without secrets. */
  readonly configured: string;
  /** A transport that was not started. */
  readonly transport: WrappedTransport;
  /** How long starting and the handshake may take, in ms: a program may begin with a download. */
  readonly startLimitMs?: number;
  /** Checks of the way there, made first; and why it leads nowhere, once they were. */
  readonly way?: { readonly checks: readonly Check[]; readonly blocked: () => string | undefined };
}

/** A program that has not ended so long after its input was closed has to be told to, in ms. */
const POLITE_MS = 2000;

/** The checks of a server that is no Streamable HTTP endpoint: a program, or an HTTP+SSE server. */
export function transportPlan(
  target: TransportTarget,
  clock: Clock,
  redaction: Redaction,
  product: string,
): Plan {
  const { server, configured, transport, startLimitMs = 0, way } = target;
  const visit = new TransportVisit(new Conversation(transport, clock, redaction), server.type, product);
  const check = (id: Check['id'], title: string, look: Check['look'], limitMs = 0): Check => ({
    id,
    title,
    limitMs,
    look: async (signal, seen) => {
      const blocked = way?.blocked();
      return blocked === undefined ? look(signal, seen) : skipped(blocked);
    },
  });
  return {
    server,
    checks: [
      { id: 'configuration', title: 'Configuration', look: async () => ok(configured) },
      ...(way?.checks ?? []),
      check(
        'start',
        server.type === 'sse' ? 'Connection opened' : 'Start',
        (_, seen) => visit.start(seen),
        startLimitMs,
      ),
      check('initialize', 'Handshake', (...given) => visit.initialize(...given), startLimitMs),
      check('tools', 'Tools', (...given) => visit.tools(...given)),
      check('end', 'End', (_, seen) => visit.end(seen)),
    ],
    revised: () => new Map(),
    leave: () => visit.leave(),
  };
}

class TransportVisit {
  readonly #talk: Conversation;
  readonly #type: DiagnosedServer['type'];
  readonly #product: string;
  #because: string | undefined = 'The server was not started.';
  #isStarted = false;
  #offersTools = false;

  constructor(talk: Conversation, type: DiagnosedServer['type'], product: string) {
    this.#talk = talk;
    this.#type = type;
    this.#product = product;
  }

  async start(seen: Parameters<Check['look']>[1]): Promise<Finding> {
    this.#isStarted = true;
    try {
      await this.#talk.start(this.#type === 'sse' ? 'open the stream' : 'start', seen);
    } catch (error) {
      this.#isStarted = false;
      const advice = isResilientMcpError(error) ? error.advice : undefined;
      const words = isResilientMcpError(error) ? error.message : describeError(error);
      const says = this.#talk.redaction.clean(words);
      return problem(says.endsWith('.') ? says : `${says}.`, advice === undefined ? {} : { advice });
    }
    this.#because = 'The handshake was not completed.';
    return ok(
      this.#type === 'sse'
        ? 'The stream is open, and names its address for messages.'
        : 'The program was found, and starts.',
    );
  }

  async initialize(signal: AbortSignal, seen: Parameters<Check['look']>[1]): Promise<Finding> {
    if (!this.#isStarted) return skipped(this.#because ?? '');
    const clause = CLAUSES.lifecycle;
    const clientInfo = { name: 'resilient-mcp doctor', version: this.#product };
    const params = { protocolVersion: LATEST_REVISION, capabilities: {}, clientInfo };
    try {
      const response = await this.#talk.request('initialize', params, signal, seen);
      if (isErrorResponse(response)) {
        const { code, message } = response.error;
        return problem(this.#talk.redaction.clean(`The server refused initialize: ${code} ${message}`), {
          clause,
        });
      }
      const { protocolVersion, serverInfo, capabilities } = response.result as Record<string, unknown>;
      if (typeof protocolVersion !== 'string') {
        return problem('The answer to initialize names no protocol version.', { clause });
      }
      this.#offersTools = 'tools' in ((capabilities ?? {}) as object);
      await this.#talk.notify('notifications/initialized', seen);
      this.#because = undefined;
      return this.#handshaken(serverInfo, protocolVersion);
    } catch (error) {
      return this.#broken(error);
    }
  }

  async tools(signal: AbortSignal, seen: Parameters<Check['look']>[1]): Promise<Finding> {
    if (this.#because !== undefined) return skipped(this.#because);
    if (!this.#offersTools) return ok('The server offers no tools.');
    try {
      return await toolsFinding(async (cursor) => {
        const response = await this.#talk.request(
          'tools/list',
          cursor === undefined ? {} : { cursor },
          signal,
          seen,
        );
        if (!isErrorResponse(response)) return response.result;
        return this.#talk.redaction.clean(`${response.error.code} ${response.error.message}`);
      });
    } catch (error) {
      return this.#broken(error);
    }
  }

  async end(seen: Parameters<Check['look']>[1]): Promise<Finding> {
    if (!this.#isStarted) return skipped('The server was not started.');
    if (this.#talk.hasEnded) return skipped('It has ended already.');
    const tookMs = await this.#talk.end(seen);
    this.#isStarted = false;
    if (this.#type === 'sse') return ok('The stream was closed.');
    return tookMs < POLITE_MS
      ? ok('The program ended when its input was closed.')
      : note('The program did not end when its input was closed: it had to be told by a signal.', {
          advice: 'End when standard input ends: clients that crash leave such programs behind.',
          clause: CLAUSES.lifecycle,
        });
  }

  /** Ends it if no check has. */
  async leave(): Promise<void> {
    if (this.#isStarted) await this.#talk.end(() => {}).catch(() => {});
  }

  #handshaken(serverInfo: unknown, version: string): Finding {
    const { name, version: build } = (serverInfo ?? {}) as { name?: unknown; version?: unknown };
    const named = this.#talk.redaction.clean(
      `${String(name ?? 'A server without a name')} ${String(build ?? '')}`.trim(),
    );
    const says = `${named.slice(0, 120)}, protocol version ${version}.`;
    const { strays } = this.#talk;
    if (strays === 0 || this.#type === 'sse') return ok(says);
    return problem(
      `${says} It wrote ${strays} ${strays === 1 ? 'line' : 'lines'} to its standard output that is no message.`,
      {
        advice: 'Write logs to standard error: many clients fail on anything else than messages.',
        clause: CLAUSES.stdio,
      },
    );
  }

  #broken(error: unknown): Finding {
    if (!(error instanceof Ended)) throw error;
    this.#because = 'The server has ended.';
    return problem(`No answer came: ${this.#talk.redaction.clean(error.message)}`, {
      advice: 'What it wrote before it ended says more.',
    });
  }
}
