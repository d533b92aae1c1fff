import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { Clock } from '../../base/environment.ts';
import type { EventLog } from '../../endpoint/streams/event-log.ts';
import type { StreamNews } from '../../endpoint/streams/resumption.ts';
import { describeError } from '../../protocol/errors.ts';
import { isMessage, isRequest, type Request as RpcRequest } from '../../protocol/message.ts';
import { digest } from '../ids/session-key.ts';
import { ownRequest, sayTo } from '../sessions/own-request.ts';
import type { Session } from '../sessions/session.ts';
import type { SessionTraffic } from '../sessions/session-transport.ts';
import type { Records } from '../store/records.ts';
import type { MessageBus } from '../store/store.ts';
import { RemoteStreams } from './remote-streams.ts';
import type { ProcessTag } from './server-request-id.ts';

/** A message between replicas. Sessions are named by the digests of their ids, as in the store. */
interface ReplicaMessage {
  readonly kind: /** To the replica that sent the request: the client's response, or its progress. */
    | 'answer'
    /** To all: a notification of the client. */
    | 'told'
    /** To all: a request of the client that changed a setting. */
    | 'setting'
    /** To the replica that holds the GET stream: a message to send on it. */
    | 'send'
    /** To the replica that held the GET stream: the client has opened another. */
    | 'yield'
    /** To all: the session is over. */
    | 'ended'
    /** To all: `session.state` has a new value. */
    | 'state'
    /** To the replica that writes to a stream: the client of the stream is connected here now. */
    | 'follow'
    /**
     * To the replica that the stream's client is connected to: the stream has a new event, or no longer has a
     * writer.
     */
    | 'news';
  readonly from: ProcessTag;
  readonly session: string;
  readonly value?: unknown;
}

/** Lifetime of a replica's claim to the GET stream of a session, in ms. The holder renews it. */
const LISTENER_TTL_MS = 15_000;
const HEARTBEAT_MS = 5000;
/** How long delivery of a response is retried, in ms. The replica may be alive and the store away. */
const ANSWER_PATIENCE_MS = 6000;
const ANSWER_RETRY_MS = 200;
const RESUBSCRIBE_MS = 1000;
/**
 * Maximum number of responses that wait for delivery. Further ones are dropped, like those to a dead replica.
 */
const MAX_WAITING_ANSWERS = 1000;

/** Traffic without other replicas. One object for all sessions, since there may be many. */
const noTraffic = { foreign: () => {}, told: () => {} };

export interface ReplicasOptions {
  /** Names this process. */
  readonly tag: ProcessTag;
  /** Undefined when the store is not shared. Every method then does nothing. */
  readonly bus: MessageBus | undefined;
  readonly records: Records;
  readonly clock: Clock;
  readonly onFailure: (operation: string, why: string) => void;
}

/**
 * The other processes that serve the same sessions, behind a load balancer without affinity. Each may hold a
 * server object for the same session. Messages that concern another process are forwarded here.
 */
export class Replicas {
  readonly tag: ProcessTag;
  /** Whether other replicas may exist. */
  readonly isShared: boolean;
  /**
   * Resolves when this process is subscribed to the messages of the others, or the first attempt has failed.
   */
  readonly ready: Promise<void>;
  readonly #options: ReplicasOptions;
  readonly #held = new Map<string, Session>();
  readonly #streams = new RemoteStreams((to, kind, session, value) =>
    this.#publish(`to:${to}`, { ...this.#about(session, kind), value }),
  );
  #waitingAnswers = 0;
  #listenerChanges: Promise<unknown> = Promise.resolve();
  #cancelHeartbeat: () => void = () => {};
  #closed = false;

  constructor(options: ReplicasOptions) {
    this.#options = options;
    this.tag = options.tag;
    this.isShared = options.bus !== undefined;
    this.ready = options.bus ? this.#subscribe(options.bus) : Promise.resolve();
    if (options.bus) this.#beat();
  }

  add(session: Session, log: EventLog | undefined): void {
    if (!this.isShared) return;
    this.#held.set(digest(session.id), session);
    if (log) this.#streams.add(digest(session.id), log);
  }

  remove(session: Session): void {
    if (!this.isShared) return;
    this.#held.delete(digest(session.id));
    this.#streams.remove(digest(session.id));
  }

  close(): void {
    this.#closed = true;
    this.#cancelHeartbeat();
  }

  /** Callbacks for the messages of a session that other processes must see. */
  trafficOf(sessionId: string): Pick<SessionTraffic, 'foreign' | 'told' | 'sentElsewhere'> {
    if (!this.isShared) return noTraffic;
    const session = digest(sessionId);
    return {
      foreign: (to, message) =>
        void this.#deliverAnswer(to, { ...this.#about(session, 'answer'), value: message }),
      told: (message) => this.#tellAll({ ...this.#about(session, 'told'), value: message }),
      sentElsewhere: (message) => this.#sentElsewhere(session, message),
    };
  }

  /**
   * Whether another replica has ended a session. Read from the store each time, since the message may have
   * been lost.
   */
  async isEnded(sessionId: string): Promise<boolean> {
    return this.isShared && (await this.#options.records.isEnded(sessionId));
  }

  ended(sessionId: string): void {
    this.#tellAll(this.#about(digest(sessionId), 'ended'));
  }

  repeat(sessionId: string, request: RpcRequest): void {
    this.#tellAll({ ...this.#about(digest(sessionId), 'setting'), value: request });
  }

  state(sessionId: string, value: unknown): void {
    this.#tellAll({ ...this.#about(digest(sessionId), 'state'), value });
  }

  /** News of one session's streams, whether this replica or another writes to them. */
  newsOf(sessionId: string, log: EventLog): StreamNews {
    const session = digest(sessionId);
    return {
      follow: (cursor, listener) => {
        const { owner, stream } = cursor;
        const tell = () => listener(log.isOpen(stream) ? 'event' : 'gone');
        if (owner !== this.tag && this.isShared) return this.#streams.follow(session, cursor, listener);
        tell();
        return owner === this.tag ? log.onEvent(stream, tell) : () => {};
      },
    };
  }

  /**
   * Reports that the GET stream of a session was opened here, or has ended here. The newest stream is used.
   */
  listening(session: Session, isListening: boolean): void {
    if (!this.isShared) return;
    const name = digest(session.id);
    const change = this.#listenerChanges.then(() => (isListening ? this.#claim(name) : this.#release(name)));
    this.#listenerChanges = change.catch(() => {});
  }

  async #claim(session: string): Promise<void> {
    const before = await this.#listener(session);
    await this.#keepListener(session);
    if (before === undefined || before === this.tag) return;
    // MCP 2025-11-25, basic/transports: one message goes to one stream. The older stream is usually dead
    // already.
    await this.#publish(`to:${before}`, this.#about(session, 'yield'));
  }

  async #release(session: string): Promise<void> {
    if ((await this.#listener(session)) !== this.tag) return;
    await this.#options.records.write('release a stream', (store) => store.delete(listenerKey(session)));
  }

  #listener(session: string): Promise<string | undefined> {
    return this.#options.records.read('find a stream', undefined, (store) => store.get(listenerKey(session)));
  }

  #keepListener(session: string): Promise<boolean> {
    const { records } = this.#options;
    return records.write('claim a stream', (store) =>
      store.set(listenerKey(session), this.tag, LISTENER_TTL_MS),
    );
  }

  async #sentElsewhere(session: string, message: JSONRPCMessage): Promise<boolean> {
    if (this.#held.get(session)?.isListening) return false;
    const listener = await this.#listener(session);
    if (listener === undefined || listener === this.tag) return false;
    return (await this.#publish(`to:${listener}`, { ...this.#about(session, 'send'), value: message })) > 0;
  }

  /**
   * Retries for a while: the replica or the store may be restarting, and a person may have typed the
   * response.
   */
  async #deliverAnswer(to: ProcessTag, message: ReplicaMessage): Promise<void> {
    if (this.#waitingAnswers >= MAX_WAITING_ANSWERS) {
      this.#options.onFailure('pass an answer on', `${MAX_WAITING_ANSWERS} are waiting already`);
      return;
    }
    const { clock, onFailure } = this.#options;
    this.#waitingAnswers += 1;
    const until = clock.monotonic() + ANSWER_PATIENCE_MS;
    while (!this.#closed && (await this.#publish(`to:${to}`, message)) <= 0) {
      if (clock.monotonic() >= until) {
        onFailure('pass an answer on', 'the process that asked is gone');
        break;
      }
      await new Promise<void>((resolve) => {
        clock.after(ANSWER_RETRY_MS, resolve, { background: true });
      });
    }
    this.#waitingAnswers -= 1;
  }

  #tellAll(message: ReplicaMessage): void {
    if (this.isShared) void this.#publish('all', message);
  }

  /** @returns number of processes that received the message; -1 when the store is away */
  #publish(channel: string, message: ReplicaMessage): Promise<number> {
    const text = JSON.stringify(message);
    return this.#options.records.read(`publish ${message.kind}`, -1, async ({ bus }) => {
      return (await bus?.publish(channel, text)) ?? 0;
    });
  }

  async #subscribe(bus: MessageBus): Promise<void> {
    try {
      const hear = (text: string) => this.#hear(text);
      await Promise.all([bus.subscribe('all', hear), bus.subscribe(`to:${this.tag}`, hear)]);
    } catch (error) {
      this.#options.onFailure('hear other replicas', describeError(error));
      const again = () => {
        if (!this.#closed) void this.#subscribe(bus);
      };
      this.#options.clock.after(RESUBSCRIBE_MS, again, { background: true });
    }
  }

  #hear(text: string): void {
    const message = replicaMessage(text);
    if (!message || message.from === this.tag) return;
    const { kind, value } = message;
    if (kind === 'follow' || kind === 'news') this.#hearOfStream(message);
    const session = this.#held.get(message.session);
    if (!session) return;
    if (kind === 'ended') void session.end('ended at another replica', false);
    else if (kind === 'yield') session.closeStream();
    else if (kind === 'state') session.state = value;
    else if (kind === 'setting') this.#set(session, value);
    else if (isMessage(value)) this.#pass(session, kind, value);
  }

  #hearOfStream({ kind, from, session, value }: ReplicaMessage): void {
    const [stream, news] = Array.isArray(value) ? value.map(String) : [];
    if (stream === undefined) return;
    if (kind === 'follow') this.#streams.wasAskedFor(session, from, stream);
    else this.#streams.heard(session, stream, news ?? 'event');
  }

  #pass(session: Session, kind: ReplicaMessage['kind'], message: JSONRPCMessage): void {
    if (kind === 'send') {
      session.sendOnStream(message).catch((error) => {
        this.#options.onFailure('send on a stream', describeError(error));
      });
    } else session.deliver(message);
  }

  #set(session: Session, value: unknown): void {
    if (!isRequest(value)) return;
    // An error is ignored: the replica that the client sent the request to reports errors to the client.
    sayTo(session, ownRequest(value.method, value.params), 'http://localhost/', {}).catch(() => {});
  }

  #about(session: string, kind: ReplicaMessage['kind']): ReplicaMessage {
    return { kind, from: this.tag, session };
  }

  #beat(): void {
    this.#streams.askAgain();
    for (const [name, session] of this.#held) if (session.isListening) void this.#keepListener(name);
    this.#cancelHeartbeat = this.#options.clock.after(HEARTBEAT_MS, () => this.#beat(), { background: true });
  }
}

function listenerKey(session: string): string {
  return `listener:${session}`;
}

function replicaMessage(text: string): ReplicaMessage | undefined {
  try {
    return (JSON.parse(text) ?? undefined) as ReplicaMessage | undefined;
  } catch {
    return undefined;
  }
}
