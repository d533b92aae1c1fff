import { type Clock, sleep } from '../../base/environment.ts';
import type { Gate } from '../session/gate.ts';
import type { WireConnector } from '../wire/wire.ts';
import { signsOfLife } from './signs-of-life.ts';

/** Between two knocks while somebody waits, in ms: in the first minute of an outage, and later. */
const KNOCK_MS = 50;
const LATE_KNOCK_MS = 1000;
const FIRST_MINUTE_MS = 60_000;

export interface NextAttemptOptions {
  readonly gate: Gate;
  readonly clock: Clock;
  readonly connector: Pick<WireConnector, 'origin' | 'knock'>;
}

/** When the next attempt is to be made. All by the monotonic clock. */
export interface NextAttempt {
  readonly dueAt: number;
  /** Whatever brings it forward: not before this. */
  readonly notBefore: number;
  /** From when on the answer that another connection got from the same origin brings it forward. */
  readonly signsFrom: number;
  /** Whether nobody listened at the last attempt, so that a connection that is taken shows a server that came back. */
  readonly knocks: boolean;
  /** When the outage began. */
  readonly since: number;
}

/**
 * Waits for the time of the next attempt, or for what brings it forward: a server of this machine that listens again
 * while somebody waits, or a sign that the server lives.
 * @returns whether it was a knock that brought it forward
 */
export async function untilNextAttempt(
  context: NextAttemptOptions,
  next: NextAttempt,
  signal: AbortSignal,
): Promise<boolean> {
  const { clock, connector } = context;
  const over = new AbortController();
  const whole = AbortSignal.any([signal, over.signal]);
  const bringForward = (from: number) => {
    void sleep(clock, Math.max(from, next.notBefore) - clock.monotonic(), whole).then(() => over.abort());
  };
  let wasHeard = false;
  const { origin } = connector;
  const told =
    origin === undefined ? undefined : signsOfLife.hear(origin, () => bringForward(next.signsFrom));
  if (next.knocks) {
    void untilHeard(context, next.since, whole).then((heard) => {
      wasHeard = heard;
      if (heard) bringForward(0);
    });
  }
  await sleep(clock, next.dueAt - clock.monotonic(), whole);
  told?.dispose();
  over.abort();
  return wasHeard;
}

/** Knocks for as long as somebody waits. True when a knock was heard. */
async function untilHeard(
  { gate, clock, connector: { knock } }: NextAttemptOptions,
  since: number,
  signal: AbortSignal,
): Promise<boolean> {
  while (knock && !signal.aborted) {
    await gate.awaited(signal);
    if (signal.aborted) return false;
    if (await knock(signal).catch(() => false)) return true;
    const isFresh = clock.monotonic() - since < FIRST_MINUTE_MS;
    await sleep(clock, isFresh ? KNOCK_MS : LATE_KNOCK_MS, signal);
  }
  return false;
}
