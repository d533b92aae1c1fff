import { createBackOff } from '../base/back-off.ts';
import type { Environment } from '../base/environment.ts';
import type { JSONRPCMessage, Request, RequestId, Response } from '../protocol/message.ts';
import { SessionSettings } from '../protocol/session-settings.ts';
import { Catalog } from './memory/catalog.ts';
import { Journal } from './observe/journal.ts';
import { Metrics } from './observe/metrics.ts';
import { Listing } from './opening/listing.ts';
import { Reintroduction } from './opening/reintroduction.ts';
import { Renewal } from './opening/renewal.ts';
import { Strangers } from './opening/strangers.ts';
import type { Limits, RecoveryOptions, ReplayOptions } from './options.ts';
import { Asking } from './recovery/asking.ts';
import type { AttemptResult } from './recovery/attempt.ts';
import { Evidence } from './recovery/evidence.ts';
import { Recovery } from './recovery/recovery.ts';
import { Accepted } from './requests/accepted.ts';
import { Calls } from './requests/calls.ts';
import { Notices } from './requests/notices.ts';
import { KnownRefusals } from './requests/refusals.ts';
import { Resending } from './requests/resending.ts';
import { ServerRequests } from './requests/server-requests.ts';
import { Settling } from './requests/settling.ts';
import { Endings } from './session/endings.ts';
import { Gate } from './session/gate.ts';
import { Handshake } from './session/handshake.ts';
import type { Session } from './session/session.ts';
import type { ConnectionState } from './session/state.ts';
import { Waking } from './session/waking.ts';
import { worldWatchOf } from './session/world-watch.ts';
import { Listening } from './streams/listening.ts';
import { Liveness, type LivenessOptions } from './streams/liveness.ts';
import type { WireEvents, WireMaker } from './wire/wire.ts';

export interface ConnectionOptions {
  readonly maker: WireMaker;
  readonly environment: Environment;
  readonly limits: Limits;
  readonly recovery: RecoveryOptions;
  readonly replay: ReplayOptions;
  readonly patienceMs: number;
  readonly connectPatienceMs: number;
  readonly proofAfterMs: number;
  readonly resendAfterMs: number;
  readonly proofTimeoutMs: number;
  readonly liveness: LivenessOptions;
  readonly asksWhenUnclear: boolean;
  readonly streamDelayMs: number;
  readonly maxStreamDelayMs: number;
  readonly maxRefusedStreamDelayMs: number;
  readonly closeTimeoutMs: number;
  /**
   * Everything the server says, and what the connection says in its place.
   * @param relatedRequestId the client's request on whose stream it came; undefined for the server's own stream, and
   *   where there are no streams
   */
  readonly onMessage: (message: JSONRPCMessage, relatedRequestId?: RequestId) => void;
  readonly onWarning: (error: Error) => void;
  /** The server began an event stream as the answer to this request. */
  readonly onStream: (requestId: RequestId) => void;
}

/** What the parts ask of the connection that they make up. */
export interface PartsHooks {
  /** Aborted when the connection closes. */
  readonly closing: AbortSignal;
  readonly onChange: (state: ConnectionState, previous: ConnectionState) => void;
  readonly open: (signal: AbortSignal) => Promise<AttemptResult>;
  readonly patienceMs: () => number;
  readonly eventsOf: (generation: number) => WireEvents;
  readonly onAnswered: (request: Request, response: Response, session: Session) => void;
  /** The machine slept, or has another network. */
  readonly onWorldChange: () => void;
}

/** The parts of one connection. Who holds whom is said here, and nowhere else. */
export interface Parts {
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly handshake: Handshake;
  readonly catalog: Catalog;
  readonly settings: SessionSettings;
  readonly serverRequests: ServerRequests;
  readonly gate: Gate;
  readonly recovery: Recovery;
  readonly asking: Asking;
  readonly evidence: Evidence;
  readonly waking: Waking;
  readonly endings: Endings;
  readonly listing: Listing;
  readonly renewal: Renewal;
  readonly calls: Calls;
  readonly notices: Notices;
  readonly listening: Listening;
  readonly liveness: Liveness;
}

export function createParts(options: ConnectionOptions, hooks: PartsHooks): Parts {
  const memory = createMemory(options);
  const healing = createHealing(options, hooks, memory);
  return { ...memory, ...healing, ...createTraffic(options, hooks, memory, healing) };
}

/** What is remembered of the past, and what of it is put back. */
function createMemory({ environment, limits }: ConnectionOptions) {
  const journal = new Journal({ capacity: limits.maxJournalEntries, now: () => environment.clock.now() });
  return {
    journal,
    metrics: new Metrics(journal),
    handshake: new Handshake(),
    catalog: new Catalog(),
    settings: new SessionSettings(limits.maxSubscriptions),
    serverRequests: new ServerRequests(),
  };
}

/** What holds a session, and gets another. */
function createHealing(
  options: ConnectionOptions,
  hooks: PartsHooks,
  memory: ReturnType<typeof createMemory>,
) {
  const { environment, maker, recovery: recoveryOptions } = options;
  const { clock, random, newId } = environment;
  const gate = new Gate(clock, { onChange: hooks.onChange, onWanted: () => recovery.wake() });
  const { closing } = hooks;
  const asking = new Asking({
    clock,
    newId,
    closing,
    timeoutMs: recoveryOptions.attemptTimeoutMs,
    proofTimeoutMs: options.proofTimeoutMs,
  });
  const recovery: Recovery = new Recovery({
    ...hooks,
    gate,
    asking,
    clock,
    random,
    maker,
    options: recoveryOptions,
    discard: (session) => void endings.retire(session, true),
  });
  const refusals = new KnownRefusals(clock);
  const evidence = new Evidence({ gate, recovery, asking, refusals, clock });
  const { catalog } = memory;
  const listing = new Listing({
    environment,
    evidence,
    catalog,
    timeoutMs: recoveryOptions.attemptTimeoutMs,
  });
  const renewal = new Renewal({
    ...memory,
    listing,
    maker,
    environment,
    options: recoveryOptions,
    eventsOf: hooks.eventsOf,
    onListChanged: (notification) => options.onMessage(notification),
  });
  const reintroduction = new Reintroduction({ environment, evidence, renewal });
  const endings = new Endings({
    clock,
    journal: memory.journal,
    closing,
    timeoutMs: options.closeTimeoutMs,
  });
  const world = worldWatchOf(environment);
  const onChange = hooks.onWorldChange;
  const waking = new Waking({ gate, evidence, recovery, clock, random, world, maker, closing, onChange });
  return { gate, recovery, renewal, reintroduction, listing, endings, asking, evidence, waking };
}

/** What goes over a session. */
function createTraffic(
  options: ConnectionOptions,
  hooks: PartsHooks,
  { journal, catalog, handshake }: ReturnType<typeof createMemory>,
  { gate, evidence, listing, reintroduction }: ReturnType<typeof createHealing>,
) {
  const { clock, random, newId } = options.environment;
  const { patienceMs, proofAfterMs, resendAfterMs, liveness, streamDelayMs } = options;
  const { silenceLimitMs, busyPingMs } = liveness;
  const { maxUnprovenSessions } = options.recovery;
  const shared = { gate, evidence, catalog, journal, clock, listing };
  const settling = new Settling({
    ...shared,
    silenceLimitMs,
    replay: options.replay,
    maxLosses: maxUnprovenSessions + 1,
    resumeDelayMs: streamDelayMs,
    asksWhenUnclear: options.asksWhenUnclear,
  });
  const calls = new Calls({
    ...shared,
    settling,
    strangers: new Strangers({ ...shared, handshake, reintroduction, replay: options.replay }),
    resending: new Resending({ clock, newId, resendAfterMs }),
    accepted: new Accepted({ clock, evidence, busyPingMs }),
    patienceMs,
    proofAfterMs,
    silenceLimitMs,
    world: worldWatchOf(options.environment),
    newId,
    newBackOff: () => createBackOff({ ...options.recovery, random }),
    maxPendingRequests: options.limits.maxPendingRequests,
    onAnswered: hooks.onAnswered,
    onStream: options.onStream,
  });
  return {
    calls,
    notices: new Notices({
      ...shared,
      patienceMs,
      signal: hooks.closing,
      maxAttempts: maxUnprovenSessions + 1,
    }),
    listening: new Listening({
      ...shared,
      random,
      initialDelayMs: streamDelayMs,
      maxDelayMs: options.maxStreamDelayMs,
      maxRefusedDelayMs: options.maxRefusedStreamDelayMs,
    }),
    liveness: new Liveness({ ...liveness, clock, calls, evidence }),
  };
}
