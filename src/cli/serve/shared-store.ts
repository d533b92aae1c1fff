import type { LogEntry, LogLimits, MessageBus, SessionStore } from '../../server/index.ts';
import { MemoryStore } from '../../server/index.ts';
import type { StoreAnswer, StoreCall, StoreOperations, ToWorker } from './messages.ts';

/** Sends a message to one worker. */
export type Tell = (message: ToWorker) => void;

/**
 * The session store of all workers, in the parent, which outlives them. Overlapping workers, one finishing
 * its calls while the next serves, communicate through it like replicas.
 */
export class ParentStore {
  readonly #store = new MemoryStore();
  readonly #channels = new Map<string, Set<Tell>>();

  async answer({ call, operation, args }: StoreCall): Promise<StoreAnswer> {
    const value = await this.#run(operation, args);
    return { kind: 'stored', call, value };
  }

  subscribe(channel: string, tell: Tell): void {
    const listeners = this.#channels.get(channel) ?? new Set();
    this.#channels.set(channel, listeners.add(tell));
  }

  /** Removes a worker that has ended. */
  forget(tell: Tell): void {
    for (const [channel, listeners] of this.#channels) {
      listeners.delete(tell);
      if (listeners.size === 0) this.#channels.delete(channel);
    }
  }

  #run(operation: StoreCall['operation'], args: StoreCall['args']): Promise<unknown> {
    const operations: { [Name in keyof StoreOperations]: (...args: StoreOperations[Name]) => unknown } = {
      get: (key) => this.#store.get(key),
      set: (key, value, ttlMs) => this.#store.set(key, value, ttlMs),
      delete: (key) => this.#store.delete(key),
      append: (log, value, limits) => this.#store.append(log, value, limits),
      readAfter: (log, after) => this.#store.readAfter(log, after),
      publish: (channel, text) => this.#publish(channel, text),
    };
    const run = operations[operation] as (...all: readonly unknown[]) => unknown;
    return Promise.resolve(run(...args));
  }

  #publish(channel: string, text: string): number {
    const listeners = this.#channels.get(channel) ?? new Set();
    for (const tell of listeners) tell({ kind: 'heard', channel, text });
    return listeners.size;
  }
}

/** The worker's side of the store. The manager gives up an operation that the parent never answers. */
export class WorkerStore implements SessionStore {
  readonly bus: MessageBus;
  readonly #send: (message: StoreCall | { kind: 'subscribe'; channel: string }) => void;
  readonly #waiting = new Map<number, (value: unknown) => void>();
  readonly #listeners = new Map<string, ((text: string) => void)[]>();
  #calls = 0;

  constructor(send: (message: StoreCall | { kind: 'subscribe'; channel: string }) => void) {
    this.#send = send;
    this.bus = {
      publish: async (channel, text) => Number(await this.#call('publish', channel, text)),
      subscribe: async (channel, listener) => {
        this.#listeners.set(channel, [...(this.#listeners.get(channel) ?? []), listener]);
        // Messages between the two processes keep their order: a message published after this is received.
        this.#send({ kind: 'subscribe', channel });
      },
    };
  }

  hear(message: ToWorker): void {
    if (message.kind === 'heard') {
      for (const listener of this.#listeners.get(message.channel) ?? []) listener(message.text);
    } else if (message.kind === 'stored') {
      this.#waiting.get(message.call)?.(message.value);
      this.#waiting.delete(message.call);
    }
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#call('get', key)) as string | undefined;
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    await this.#call('set', key, value, ttlMs);
  }

  async delete(key: string): Promise<void> {
    await this.#call('delete', key);
  }

  async append(log: string, value: string, limits: LogLimits): Promise<string> {
    return String(await this.#call('append', log, value, limits));
  }

  async readAfter(log: string, after: string): Promise<readonly LogEntry[] | undefined> {
    return (await this.#call('readAfter', log, after)) as readonly LogEntry[] | undefined;
  }

  async close(): Promise<void> {}

  #call<Name extends keyof StoreOperations>(
    operation: Name,
    ...args: StoreOperations[Name]
  ): Promise<unknown> {
    this.#calls += 1;
    const call = this.#calls;
    return new Promise((resolve) => {
      this.#waiting.set(call, resolve);
      this.#send({ kind: 'store', call, operation, args } as unknown as StoreCall);
    });
  }
}
