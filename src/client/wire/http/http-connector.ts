import type { Knock } from '../../../base/environment.ts';
import type { HttpResponse } from '../../../base/http-client.ts';
import { ResilientMcpError } from '../../../protocol/errors.ts';
import { isUsableSessionId, SESSION_ID_HEADER, sessionIdIn } from '../../../protocol/http/headers.ts';
import { isErrorResponse, type Request } from '../../../protocol/message.ts';
import type { Outcome } from '../../../protocol/outcome.ts';
import type { NegotiatedSession, OpenOutcome, Wire, WireConnector, WireEvents } from '../wire.ts';
import { authorize } from './exchange/authorize.ts';
import { type ExchangeContext, exchangeOf, type HttpExchange } from './exchange/http-exchange.ts';
import { post } from './exchange/post.ts';
import { reportFailure } from './exchange/report-failure.ts';
import { HttpWire } from './http-wire.ts';

/** What all wires of one connection share. */
export interface HttpConnectorOptions extends Omit<ExchangeContext, 'events' | 'negotiated'> {
  /** As the next: see {@link WireConnector}. */
  readonly origin?: string | undefined;
  readonly knock?: Knock | undefined;
  /** Called when no wire will be used any more. */
  readonly onClosed?: () => Promise<void> | undefined;
}

/** Opens Streamable HTTP wires (MCP 2025-03-26 to 2025-11-25). */
export class HttpConnector implements WireConnector {
  readonly origin: string | undefined;
  readonly knock: Knock | undefined;
  readonly #options: HttpConnectorOptions;

  constructor(options: HttpConnectorOptions) {
    this.#options = options;
    this.origin = options.origin;
    this.knock = options.knock;
  }

  open(initialize: Request, events: WireEvents, signal: AbortSignal): Promise<OpenOutcome> {
    const context = { ...this.#options, events, negotiated: undefined };
    let sessionId: string | undefined;
    // Only here is an id taken from a response: on errors it may be another session's (protocol.md, 0.7).
    const onResponse = ({ headers }: HttpResponse) => {
      sessionId = sessionIdIn(headers.get(SESSION_ID_HEADER));
    };
    const send = authorize(context)((exchange) => post(context, exchange));
    const open = async (exchange: HttpExchange) => this.#opened(await send(exchange), sessionId, events);
    return reportFailure(events, context.clock)(open)(exchangeOf(initialize, { signal }, { onResponse }));
  }

  async close(): Promise<void> {
    await this.#options.onClosed?.();
  }

  /** The wire of a session that was opened elsewhere. */
  attach(negotiated: NegotiatedSession, events: WireEvents): Wire {
    return new HttpWire({ ...this.#options, events, negotiated });
  }

  #opened(outcome: Outcome, sessionId: string | undefined, events: WireEvents): OpenOutcome {
    if (outcome.kind === 'accepted') return unusable('The server accepted initialize without answering it.');
    if (outcome.kind !== 'answered') return outcome;
    const { response } = outcome;
    if (isErrorResponse(response)) return { kind: 'refused', response };
    const { protocolVersion } = response.result;
    if (typeof protocolVersion !== 'string')
      return unusable('The answer to initialize names no protocol version.');
    if (sessionId !== undefined && !isUsableSessionId(sessionId, this.#options.limits.maxSessionIdLength)) {
      return unusable(
        'The session id is not one of visible ASCII, or longer than limits.maxSessionIdLength.',
      );
    }
    const negotiated = { sessionId, protocolVersion };
    return { kind: 'opened', wire: this.attach(negotiated, events), response, negotiated };
  }
}

function unusable(message: string): OpenOutcome {
  return { kind: 'failed', error: new ResilientMcpError('PROTOCOL_VIOLATION', message) };
}
