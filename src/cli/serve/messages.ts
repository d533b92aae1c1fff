import type { LogLimits } from '../../server/index.ts';

/** Host names under which a served module is always addressed. */
export const loopbackNames = ['localhost', '127.0.0.1', '[::1]'] as const;

/** The first message to a worker: which module to serve, and how. */
export interface Assignment {
  readonly kind: 'serve';
  /** Absolute path of the module. */
  readonly module: string;
  /** Where to listen: a Unix socket, or on Windows a named pipe. */
  readonly socketPath: string;
  /** The same for every worker of one `serve`, so that each knows the sessions of the last. */
  readonly keys: readonly string[];
  /** Keeps the sessions of one module apart from those of another that is served with the same key. */
  readonly scope: string;
  /** Host names beside the loopback ones. */
  readonly allowedHosts: readonly string[] | 'any';
  /** The largest body of a request. */
  readonly maxBodyBytes: number;
  /** Whether to tell which files the module is made of. */
  readonly watch: boolean;
}

export type ToWorker =
  | Assignment
  /** Finish requests in progress, then exit. */
  | { readonly kind: 'drain'; readonly timeoutMs: number }
  | StoreAnswer
  /** A text of another worker. */
  | { readonly kind: 'heard'; readonly channel: string; readonly text: string };

export type FromWorker =
  | { readonly kind: 'ready' }
  | Failure
  | { readonly kind: 'files'; readonly files: readonly string[] }
  | StoreCall
  | { readonly kind: 'subscribe'; readonly channel: string };

/** Why a worker could not begin to serve. */
export interface Failure {
  readonly kind: 'failed';
  /** In words, without a stack. */
  readonly reason: string;
  /** `file:line`, when it is known. */
  readonly where?: string | undefined;
}

/** The operations of the store that all workers share, as words between processes. */
export interface StoreOperations {
  get: readonly [key: string];
  set: readonly [key: string, value: string, ttlMs: number];
  delete: readonly [key: string];
  append: readonly [log: string, value: string, limits: LogLimits];
  readAfter: readonly [log: string, after: string];
  publish: readonly [channel: string, text: string];
}

export type StoreCall = {
  [Name in keyof StoreOperations]: {
    readonly kind: 'store';
    readonly call: number;
    readonly operation: Name;
    readonly args: StoreOperations[Name];
  };
}[keyof StoreOperations];

export interface StoreAnswer {
  readonly kind: 'stored';
  readonly call: number;
  readonly value?: unknown;
}
