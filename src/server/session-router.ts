import { type Handshake, handshakeIn, isInitialize } from '../endpoint/handshake.ts';
import { type HttpAnswer, type HttpRequest, isOk } from '../endpoint/http.ts';
import { asks, type Incoming } from '../endpoint/incoming.ts';
import { malformedId, missingId, Refused, unavailable, unknownId } from '../endpoint/refusals.ts';
import { describeError } from '../protocol/errors.ts';
import { PROTOCOL_VERSION_HEADER, SESSION_ID_HEADER } from '../protocol/http/headers.ts';
import type { IssuedId, SessionIds } from './ids/session-id.ts';
import type { ServerEnvironment, Settings } from './options.ts';
import type { Replicas } from './replicas/replicas.ts';
import type { Session } from './sessions/session.ts';
import type { SessionReason } from './sessions/session-factory.ts';
import type { NewSession, SessionRegistry } from './sessions/session-registry.ts';
import type { Records } from './store/records.ts';
import { type UnknownSessions, unknownHandshake } from './unknown-session.ts';

/** `draining`: requests under way are finished, and no new work begins. */
export type Phase = 'open' | 'draining' | 'closed';

export interface SessionRouterParts {
  readonly settings: Settings;
  readonly environment: ServerEnvironment;
  readonly ids: SessionIds;
  readonly records: Records;
  readonly replicas: Replicas;
  readonly registry: SessionRegistry;
  readonly unknown: UnknownSessions;
  readonly phase: () => Phase;
}

/** Finds the session of a request: a held one, a new one, one to restore, or none. */
export class SessionRouter {
  readonly #parts: SessionRouterParts;

  constructor(parts: SessionRouterParts) {
    this.#parts = parts;
  }

  /**
   * Answers a request.
   * @throws Refused when it is not served
   */
  async route(incoming: Incoming): Promise<HttpAnswer> {
    const { request, sessionId } = incoming;
    if (this.#parts.phase() === 'closed') throw this.#shuttingDown();
    // Before this process hears other replicas, a client's response could seem to have no recipient.
    await this.#parts.replicas.ready;
    const session = sessionId === null ? undefined : await this.#held(sessionId, incoming);
    if (session) return this.#serve(session, incoming);
    if (request.method === 'POST') {
      const body = await incoming.json(this.#parts.settings.maxBodyBytes);
      // Also with an id that is not held: several clients keep sending the old id when they initialize again.
      if (isInitialize(body)) return this.#open(incoming, body);
    }
    if (sessionId === null) throw new Refused(missingId);
    return this.#serveUnheld(sessionId, incoming);
  }

  /**
   * The session with this id, if this process holds it.
   * @throws Refused when it belongs to another client, or has ended
   */
  async #held(sessionId: string, { principal }: Incoming): Promise<Session | undefined> {
    const session = await this.#parts.registry.find(sessionId);
    if (!session) return undefined;
    if (session.principal !== principal) throw new Refused(unknownId, 'it belongs to another principal');
    if (this.#parts.environment.clock.now() - session.issuedAt > this.#parts.settings.maxAgeMs) {
      await session.end('older than maxAgeMs', false);
      throw new Refused(unknownId, 'it is older than maxAgeMs');
    }
    if (await this.#parts.replicas.isEnded(sessionId)) {
      await session.end('ended at another replica', false);
      throw new Refused(unknownId, 'it was ended');
    }
    return session;
  }

  async #serve(session: Session, incoming: Incoming): Promise<HttpAnswer> {
    const { request } = incoming;
    if (this.#parts.phase() !== 'open' && (await this.#isWork(incoming))) throw this.#shuttingDown();
    if (incoming.hasMessages) await incoming.json(this.#parts.settings.maxBodyBytes);
    // The session may have hibernated or ended while the body arrived.
    if (session.hasEnded) return this.#serveUnheld(session.id, incoming);
    try {
      const answer = await session.handle(request, incoming.context);
      if (request.method === 'DELETE') await this.#parts.registry.remembered();
      return answer;
    } catch (error) {
      // The server object can no longer be trusted. The id stays valid, and the next request restores the
      // session.
      await session.end(`it failed: ${describeError(error)}`, false);
      throw error;
    }
  }

  /** Whether a request begins new work, unlike a response, a notification or a DELETE. */
  async #isWork(incoming: Incoming): Promise<boolean> {
    if (incoming.request.method !== 'POST') return incoming.request.method === 'GET';
    return asks(await incoming.json(this.#parts.settings.maxBodyBytes));
  }

  async #open(incoming: Incoming, body: unknown): Promise<HttpAnswer> {
    // The manager may have been closed while the body arrived.
    if (this.#parts.phase() !== 'open') throw this.#shuttingDown();
    const handshake = handshakeIn(body) ?? unknownHandshake(incoming);
    const issued = this.#issue(handshake, incoming);
    const { session } = await this.#parts.registry.create(
      this.#newSession('new', issued.id, incoming, handshake),
    );
    const answer = await session.handle(incoming.request, incoming.context);
    // A handshake that the transport refuses (Accept, version, shape) opens no session that the client could
    // use.
    if (!isOk(answer)) {
      await session.end(`its opening request was refused with ${answer.status}`, false);
    } else if (!issued.carriesHandshake) {
      await session.pendingWrites.keep('handshake', () =>
        this.#parts.records.keepHandshake(issued.id, handshake),
      );
    }
    return answer;
  }

  /**
   * Serves a request whose id this process does not hold: of a session to restore, of one that has ended, or
   * of none.
   */
  async #serveUnheld(sessionId: string, incoming: Incoming): Promise<HttpAnswer> {
    if (!/^[\x21-\x7e]+$/.test(sessionId)) throw new Refused(malformedId);
    const proof = this.#parts.ids.check(sessionId, incoming.principal, this.#parts.environment.clock.now());
    if (proof.kind === 'unknown') return this.#replace(sessionId, incoming);
    if (proof.kind !== 'ours') throw new Refused(unknownId, `the id is ${proof.kind}`);
    if (!this.#parts.settings.adoptSessions) throw new Refused(unknownId, 'its process is gone');
    if (await this.#parts.records.isEnded(sessionId)) throw new Refused(unknownId, 'it was ended');
    if (incoming.request.method === 'DELETE') {
      await this.#parts.registry.remember(sessionId);
      return { status: 200, headers: {} };
    }
    if (this.#parts.phase() !== 'open') throw this.#shuttingDown();
    const handshake = proof.handshake ?? (await this.#parts.records.handshake(sessionId));
    if (!handshake)
      throw new Refused(unknownId, 'its handshake did not fit into the id, and no store has it');
    const known = agreed(handshake, incoming.request);
    const adopted = { ...this.#newSession('adopted', sessionId, incoming, known), issuedAt: proof.issuedAt };
    const session = await this.#parts.registry.adopt(adopted);
    return this.#serve(session, incoming);
  }

  /** Applies the policy `unknownSession` to an id that we did not sign. */
  async #replace(unknown: string, incoming: Incoming): Promise<HttpAnswer> {
    const mayOpen = async () =>
      incoming.request.method === 'POST' && (await this.#isWork(incoming)) && this.#parts.phase() === 'open';
    const sessionId = await this.#parts.unknown.replacementOf(unknown, incoming, mayOpen, async () => {
      const handshake = unknownHandshake(incoming);
      const { id } = this.#issue(handshake, incoming);
      await this.#parts.registry.adopt(this.#newSession('replaced', id, incoming, handshake));
      return id;
    });
    const renamed = incoming.as(sessionId);
    const session = await this.#held(sessionId, renamed);
    const answer = await (session ? this.#serve(session, renamed) : this.#serveUnheld(sessionId, renamed));
    // On every answer: the first one may get lost.
    return { ...answer, headers: { ...answer.headers, [SESSION_ID_HEADER]: sessionId } };
  }

  #issue(handshake: Handshake, { principal }: Incoming): IssuedId {
    return this.#parts.ids.issue(
      handshake,
      principal,
      this.#parts.environment.newNonce(),
      this.#parts.environment.clock.now(),
    );
  }

  #newSession(
    reason: SessionReason,
    sessionId: string,
    incoming: Incoming,
    handshake: Handshake,
  ): NewSession {
    return { reason, sessionId, issuedAt: this.#parts.environment.clock.now(), incoming, handshake };
  }

  #shuttingDown(): Refused {
    return new Refused(unavailable('This server is shutting down.', this.#parts.settings.retryAfterSeconds));
  }
}

/**
 * The handshake with the negotiated revision, which the client sends with each request and the handshake does
 * not contain.
 */
function agreed(handshake: Handshake, { headers }: HttpRequest): Handshake {
  return { ...handshake, protocolVersion: headers.get(PROTOCOL_VERSION_HEADER) ?? handshake.protocolVersion };
}
