/** A promise that is settled from outside: for events that have one listener and happen once. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  #settle: { resolve: (value: T) => void; reject: (error: unknown) => void } | undefined;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  /** Settles the promise. Only the first call of `resolve` or `reject` counts. */
  resolve(value: T): void {
    this.#settle?.resolve(value);
  }

  reject(error: unknown): void {
    this.#settle?.reject(error);
  }
}
