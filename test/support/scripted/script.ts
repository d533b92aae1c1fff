import { until } from '../../../harness/until.ts';
import type { AnswerStream } from './answer-stream.ts';
import type { Fault } from './reply.ts';
import { type Matcher, matches, type RequestRecord, type RpcMessage } from './request.ts';

/** A fault that waits for its requests. */
export interface Rule extends Disposable {
  /** How many exchanges it has spoilt. */
  readonly used: number;
  /** Takes it away. */
  dispose(): void;
}

/** The faults that a test has set, oldest first: the first that means a request takes it. */
export class FaultScript {
  readonly #rules: { readonly matcher: Matcher; readonly fault: Fault; left: number; used: number }[] = [];

  add(matcher: Matcher, fault: Fault, times: number): Rule {
    const rule = { matcher, fault, left: times, used: 0 };
    this.#rules.push(rule);
    const dispose = () => {
      const at = this.#rules.indexOf(rule);
      if (at >= 0) this.#rules.splice(at, 1);
    };
    return {
      get used() {
        return rule.used;
      },
      dispose,
      [Symbol.dispose]: dispose,
    };
  }

  /** The fault for this request, if there is one, used up by one. */
  take(request: RequestRecord): Fault | undefined {
    const at = this.#rules.findIndex((rule) => matches(rule.matcher, request));
    const rule = this.#rules[at];
    if (!rule) return undefined;
    rule.used++;
    if (--rule.left === 0) this.#rules.splice(at, 1);
    return rule.fault;
  }
}

export type HoldPoint = 'before-run' | 'before-answer';

interface Held {
  readonly request: RequestRecord;
  readonly stream: AnswerStream | undefined;
  readonly go: () => void;
}

/**
 * Keeps exchanges where they are until the test lets them go: before the request runs, or after it ran and before a byte
 * of its answer (the head of an event stream is sent).
 */
export class Hold implements Disposable {
  readonly point: HoldPoint;
  readonly #matcher: Matcher;
  readonly #held: Held[] = [];
  readonly #listeners = new Set<(count: number) => void>();
  #total = 0;
  #over = false;

  constructor(matcher: Matcher, point: HoldPoint) {
    this.#matcher = matcher;
    this.point = point;
  }

  /** The requests that are held now, oldest first. */
  get waiting(): readonly RequestRecord[] {
    return this.#held.map((each) => each.request);
  }

  /** Waits until `count` requests in all have been held, those that were let go included. */
  async arrived(count = 1): Promise<void> {
    if (this.#total >= count) return;
    await until<number>(
      (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      (total) => total >= count,
      { what: `request number ${count} of those held` },
    );
  }

  /** Sends a message on the open event stream of every held exchange, as progress and requests inside a call go. */
  send(message: RpcMessage | ((request: RequestRecord) => RpcMessage)): void {
    for (const { request, stream } of this.#held) {
      stream?.send(typeof message === 'function' ? message(request) : message);
    }
  }

  /** Cuts the open event stream of every held exchange; they stay held, and what follows is kept for a resumption. */
  cutStreams(how: 'end' | 'reset'): void {
    for (const { stream } of this.#held) stream?.cut(how);
  }

  /** Lets the `count` oldest go and holds on; without a count lets all go and holds no more. */
  release(count?: number): void {
    if (count === undefined) this.#over = true;
    for (const each of this.#held.splice(0, count ?? this.#held.length)) each.go();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** For the server: waits here if the request is meant. */
  async pass(point: HoldPoint, request: RequestRecord, stream: AnswerStream | undefined): Promise<void> {
    if (this.#over || point !== this.point || !matches(this.#matcher, request)) return;
    await new Promise<void>((go) => {
      this.#held.push({ request, stream, go });
      this.#total++;
      for (const listener of [...this.#listeners]) listener(this.#total);
    });
  }
}
