import { isResultResponse, type Request, type Response } from '../../protocol/message.ts';
import { SessionSettings } from '../../protocol/session-settings.ts';
import type { NegotiatedSession } from '../wire/wire.ts';
import { Catalog } from './catalog.ts';
import { Handshake } from './handshake.ts';
import type { ResumableSession } from './resumable.ts';

/** A session that another connection can go on with, without the address that it belongs to. */
export type StoredSession = Omit<ResumableSession, 'endpoint'>;

/** What a connection remembers of its session, to give it to the next one: handshake, settings, lists. */
export class SessionMemory {
  readonly handshake = new Handshake();
  readonly catalog = new Catalog();
  readonly settings: SessionSettings;

  constructor(maxSubscriptions: number) {
    this.settings = new SessionSettings(maxSubscriptions);
  }

  /** Takes in an answered request of the client. */
  learn(request: Request, response: Response, generation: number): void {
    if (isResultResponse(response)) this.settings.apply(request);
    this.catalog.observe(request, response, generation);
  }

  /** A session for another connection; undefined for one that no other could go on with. */
  store({ sessionId, protocolVersion }: NegotiatedSession): StoredSession | undefined {
    const { answer: server, initialized } = this.handshake;
    if (!initialized || !server || sessionId === undefined) return undefined;
    return {
      sessionId,
      protocolVersion,
      server,
      ...this.settings.snapshot(),
      toolHints: this.catalog.kept,
    };
  }

  /** Takes over what an earlier connection has stored. */
  restore(stored: StoredSession): void {
    this.settings.restore(stored);
    this.catalog.take(stored.toolHints);
  }
}
