import type { CaseName, CaseResult } from './record.ts';
import type { Stage } from './stage.ts';

export const CALLS_AT_ONCE = 5;

/** Calls that go out at once, and who makes them. */
export interface CallsAtOnce {
  readonly stage: Stage;
  /** Who calls: with the case, what makes the keys unique. Small letters only. */
  readonly caller: string;
  readonly name: CaseName;
  /** Makes one call; gives the text of its answer. */
  readonly call: (key: string) => Promise<string>;
  /** Set where the text of an answer holds the key of its call. */
  readonly echoes: boolean;
  /** The number of the first one. Default 0. */
  readonly first?: number;
  /** When the server came back, where it was away. */
  readonly backAt?: number | Promise<number>;
}

/** Makes five calls at once, and asks the server's count what became of them. Never rejects. */
export async function callAtOnce(asked: CallsAtOnce): Promise<CaseResult> {
  const { stage, caller, name, call, echoes, first = 0, backAt } = asked;
  const keys = Array.from({ length: CALLS_AT_ONCE }, (_, index) => `key-${caller}-${name}-${first + index}`);
  let answeredAt: number | undefined;
  const failures: string[] = [];
  const made = keys.map(async (key) => {
    try {
      const text = await call(key);
      answeredAt ??= performance.now();
      if (echoes && !text.includes(key)) failures.push(`${key}: ${text}`);
    } catch (error) {
      failures.push(`${key}: ${String(error)}`);
    }
  });
  await Promise.all(made);
  const { runs } = stage;
  const timesOf = (key: string) => runs.filter((each) => each === key).length;
  const unseen = keys.filter((key) => timesOf(key) === 0).length;
  const twice = keys.filter((key) => timesOf(key) > 1).length;
  const miscounted = unseen > failures.length ? [`${unseen} calls are not in the count`] : [];
  const since = await backAt;
  const detail = [...miscounted, ...failures.slice(0, 1)].join('; ');
  return {
    outcome: failures.length + twice + miscounted.length === 0 ? 'passed' : 'failed',
    calls: keys.length,
    lost: failures.length,
    twice,
    ...(since !== undefined && answeredAt !== undefined && { backMs: Math.round(answeredAt - since) }),
    ...(detail && { detail }),
  };
}
