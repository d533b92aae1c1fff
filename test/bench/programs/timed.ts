import { quantile } from '../harness.ts';

/** How many things to do, and how many of them at one time. */
export interface Load {
  readonly count: number;
  readonly inFlight: number;
}

/** Latencies in ms, the rate, and the processor time that this process took for each, in ms. */
export type Timed = Record<'p50' | 'p95' | 'perSecond' | 'cpu', number>;

/** Does something `count` times, `inFlight` at a time. */
export async function timed(
  { count, inFlight }: Load,
  work: (index: number, worker: number) => Promise<unknown>,
): Promise<Timed> {
  const latencies: number[] = [];
  let next = 0;
  const worker = async (_: unknown, number: number) => {
    for (let index = next++; index < count; index = next++) {
      latencies.push(await timeOf(() => work(index, number)));
    }
  };
  const cpuBefore = cpuMs();
  const totalMs = await timeOf(() => Promise.all(Array.from({ length: inFlight }, worker)));
  return {
    p50: quantile(latencies, 0.5),
    p95: quantile(latencies, 0.95),
    perSecond: (count / totalMs) * 1000,
    cpu: (cpuMs() - cpuBefore) / count,
  };
}

/** How long something takes, in ms. */
export async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** This moment in ms, by a clock that all processes of a machine share. */
export function moment(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The processor time that this process has taken since it was started, in ms. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
