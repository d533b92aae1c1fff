import type { Clock } from '../../../../base/environment.ts';
import { isRequest, toolOf } from '../../../../protocol/message.ts';
import type { Outcome } from '../../../../protocol/outcome.ts';
import { jsonRpcError } from '../../../../protocol/verdict.ts';
import type { ExchangeFailure, OpenOutcome, WireEvents } from '../../wire.ts';
import type { Send } from './http-exchange.ts';

/** Tells of an exchange that ends without its answer: what the network or the server did, before anybody decides. */
export function reportFailure(
  events: Pick<WireEvents, 'onFailure'>,
  clock: Clock,
): <T extends Outcome | OpenOutcome>(next: Send<T>) => Send<T> {
  return (next) => async (exchange) => {
    const startedAt = clock.monotonic();
    const outcome = await next(exchange);
    const failure = failureIn(outcome);
    if (failure) {
      const { message, resumeAfter, hasEventId } = exchange;
      events.onFailure({
        method: 'method' in message ? message.method : undefined,
        tool: isRequest(message) ? toolOf(message) : undefined,
        resuming: resumeAfter !== undefined,
        resumable: failure.outcome === 'broken' && hasEventId,
        ...failure,
        durationMs: clock.monotonic() - startedAt,
      });
    }
    return outcome;
  };
}

type Failure = Pick<ExchangeFailure, 'outcome' | 'status' | 'reason'>;

function failureIn(outcome: Outcome | OpenOutcome): Failure | undefined {
  switch (outcome.kind) {
    case 'unclear':
      // Of what may as well be a refusal for a reason of its own the session is not told of, unless a 400 says nothing.
      if (!outcome.outright && (outcome.status !== 400 || outcome.otherwise.kind === 'answered')) {
        return failureIn(outcome.otherwise);
      }
      return { outcome: outcome.kind, status: outcome.status, reason: outcome.because };
    case 'lost':
    case 'unavailable':
    case 'broken': {
      const { kind, status, because } = outcome;
      return { outcome: kind, status, reason: because };
    }
    case 'failed': {
      const { status, body = '', message } = outcome.error;
      // Of a page nothing is told but its status: whatever stands there was not meant for a log.
      const words =
        status === undefined ? message : [status, jsonRpcError(body)?.message].filter(Boolean).join(': ');
      return { outcome: 'refused', status, reason: words };
    }
    default:
      return undefined;
  }
}
