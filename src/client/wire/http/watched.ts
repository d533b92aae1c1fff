import type { Clock } from '../../../base/environment.ts';
import { isRequest, toolOf } from '../../../protocol/message.ts';
import type { Outcome } from '../../../protocol/outcome.ts';
import { jsonRpcError } from '../../../protocol/verdict.ts';
import type { ExchangeFailure, OpenOutcome, WireEvents } from '../wire.ts';
import type { Post } from './exchange.ts';

/** An exchange under way. */
export interface Watched<T extends Outcome | OpenOutcome> {
  readonly message: Post['message'];
  /** Whether it takes up the stream of an earlier one. */
  readonly resuming?: boolean;
  /** Whether an event id came, by which the rest can be had. */
  readonly isResumable?: () => boolean;
  readonly exchange: Promise<T>;
}

/** Tells of an exchange that ends without its answer: what the network or the server did, before anybody decides. */
export async function watched<T extends Outcome | OpenOutcome>(
  { message, resuming = false, isResumable = () => false, exchange }: Watched<T>,
  events: Pick<WireEvents, 'onFailure'>,
  clock: Clock,
): Promise<T> {
  const startedAt = clock.monotonic();
  const outcome = await exchange;
  const failure = failureIn(outcome);
  if (failure) {
    const resumable = failure.outcome === 'broken' && isResumable();
    const method = 'method' in message ? message.method : undefined;
    const tool = isRequest(message) ? toolOf(message) : undefined;
    events.onFailure({
      method,
      tool,
      resuming,
      resumable,
      ...failure,
      durationMs: clock.monotonic() - startedAt,
    });
  }
  return outcome;
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
