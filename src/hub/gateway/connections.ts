import type { Subscription } from '../../client/observe/journal.ts';
import { isSetting } from '../../protocol/session-settings.ts';
import type { SessionRequest } from '../../server/index.ts';
import { SharedSession } from '../shared/shared-session.ts';
import { passingClient } from './bearer.ts';
import { Relay, type RestoredClient } from './relay.ts';
import type { SessionMemory } from './session-memory.ts';
import { untilReady } from './until-ready.ts';
import {
  type GatewayUpstream,
  openUpstream,
  patienceOf,
  type RelayUpstream,
  type UpstreamConnection,
} from './upstream.ts';

/** In place of a client's session, where all share one. */
const ALL_CLIENTS = 'shared';

/** The connections to one server, one for each client or one for all, and the memory of their sessions. */
export class Connections {
  readonly #upstream: GatewayUpstream;
  readonly #memory: SessionMemory | undefined;
  readonly #shared: SharedSession | undefined;
  #keepsSessions = false;

  constructor(upstream: GatewayUpstream, memory: SessionMemory | undefined) {
    this.#upstream = upstream;
    this.#memory = memory;
    if (upstream.shared) this.#shared = new SharedSession(() => this.#forAll());
  }

  /** What carries the session of one client. */
  async relay({ sessionId, reason, context, handshake, settings }: SessionRequest): Promise<Relay> {
    const isNew = reason === 'new';
    const restored = (whenReady: RestoredClient['whenReady']) =>
      isNew ? undefined : { handshake, settings, whenReady };
    if (this.#shared) {
      const { opened } = this.#shared;
      return this.#relayTo(
        this.#shared.port(),
        restored(() => opened),
      );
    }
    const isPassing = context.authInfo === passingClient;
    const connection = isPassing ? this.#passing(isNew) : await this.#forOne(sessionId, isNew);
    const client = restored(() => untilReady(connection));
    return isPassing ? new Relay(connection, { restored: client }) : this.#relayTo(connection, client);
  }

  /** A client's session is over, and with it the connection that was its own. */
  ended(sessionId: string): void {
    if (!this.#keepsSessions && !this.#shared) void this.#memory?.keep(sessionId, undefined);
  }

  /** From here on, what is remembered is for a later gateway. */
  keepSessions(): void {
    this.#keepsSessions = true;
  }

  /** Ends what no single client's session ends. Resolves when everything is written that is to be remembered. */
  async close(): Promise<void> {
    await this.#shared?.close(this.#keepsSessions);
    if (this.#shared && !this.#keepsSessions) await this.#memory?.keep(ALL_CLIENTS, undefined);
    await this.#memory?.written();
  }

  /** For a client that ends with the gateway: nobody will go on with the session, so it is neither kept nor remembered. */
  #passing(isNew: boolean): UpstreamConnection {
    const connectPatienceMs = isNew ? patienceOf(this.#upstream) : Number.POSITIVE_INFINITY;
    return openUpstream(this.#upstream, { connectPatienceMs, takeOver: !isNew, resume: undefined });
  }

  #relayTo(upstream: RelayUpstream, restored: RestoredClient | undefined): Relay {
    return new Relay(upstream, { restored, keepsSession: () => this.#keepsSessions });
  }

  /** Tried until it is closed for a client that has its session already; else no longer than a client waits. */
  async #forOne(sessionId: string, isNew: boolean): Promise<UpstreamConnection> {
    const connectPatienceMs = isNew ? patienceOf(this.#upstream) : Number.POSITIVE_INFINITY;
    const resume = isNew ? undefined : await this.#memory?.recall(sessionId);
    return this.#remembered(
      sessionId,
      openUpstream(this.#upstream, { connectPatienceMs, takeOver: !isNew, resume }),
    );
  }

  /** The one connection for all clients, whose session an earlier gateway may have left. */
  async #forAll(): Promise<UpstreamConnection> {
    const connectPatienceMs = patienceOf(this.#upstream);
    const resume = await this.#memory?.recall(ALL_CLIENTS);
    const how = { connectPatienceMs, takeOver: resume !== undefined, resume };
    return this.#remembered(ALL_CLIENTS, openUpstream(this.#upstream, how));
  }

  /** Keeps the session of the moment remembered: it may be replaced, and what it holds changes with some answers. */
  #remembered(sessionId: string, connection: UpstreamConnection): UpstreamConnection {
    const memory = this.#memory;
    if (!memory) return connection;
    let kept: string | undefined;
    const watching: Subscription = connection.journal.subscribe((fact) => {
      const changes = fact.kind === 'requestAnswered' && isRemembered(fact.method);
      const { resumable } = connection;
      if (fact.kind === 'connectionClosed') watching.dispose();
      if (!resumable || (resumable.sessionId === kept && !changes)) return;
      kept = resumable.sessionId;
      void memory.keep(sessionId, resumable);
    });
    return connection;
  }
}

/** Whether an answer to it changes what is remembered of a session. The hints of its tools decide what may run twice. */
function isRemembered(method: string): boolean {
  return isSetting(method) || method === 'tools/list';
}
