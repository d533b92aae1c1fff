import { until } from '../../../harness/until.ts';
import { type Matcher, matches, type RequestRecord } from './request.ts';

/** A step in the life of an exchange that can be waited for. */
export type Milestone = 'received' | 'answered' | 'ended';

const reached: Record<Milestone, (request: RequestRecord) => boolean> = {
  received: () => true,
  answered: (request) => request.status !== undefined,
  ended: (request) => request.ended !== undefined,
};

/** Every request that came, and those who want to know of it. */
export class Traffic {
  readonly requests: RequestRecord[] = [];
  readonly #arrivals = new Set<(request: RequestRecord) => void>();
  readonly #changes = new Set<(request: RequestRecord) => void>();

  /** Takes a request in. Listeners are called before this returns. */
  add(request: RequestRecord): void {
    this.requests.push(request);
    for (const listener of [...this.#arrivals]) listener(request);
    this.changed(request);
  }

  /** To be called whenever the status or the end of a request became known. */
  changed(request: RequestRecord): void {
    for (const listener of [...this.#changes]) listener(request);
  }

  onArrival(listener: (request: RequestRecord) => void): { dispose(): void } {
    this.#arrivals.add(listener);
    return { dispose: () => this.#arrivals.delete(listener) };
  }

  count(matcher: Matcher, milestone: Milestone = 'received'): number {
    return this.requests.filter((each) => matches(matcher, each) && reached[milestone](each)).length;
  }

  /** Waits until `count` requests in all that the matcher means have come so far, earlier ones included. */
  async until(milestone: Milestone, matcher: Matcher, count: number, timeoutMs: number): Promise<void> {
    const enough = () => this.count(matcher, milestone) >= count;
    if (enough()) return;
    const like = typeof matcher === 'function' ? 'of the given function' : JSON.stringify(matcher);
    await until<RequestRecord>(
      (listener) => {
        this.#changes.add(listener);
        return () => this.#changes.delete(listener);
      },
      enough,
      { timeoutMs, what: `request number ${count} like ${like} to be ${milestone}` },
    );
  }
}
