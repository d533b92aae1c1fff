/**
 * Stands in for the platform's `Headers` in the bundle of `attach` (esbuild.mjs): that one comes with all of `fetch`, which
 * takes longer to load than the rest of the program. As much of it as a connection uses, for names and values that are
 * good: they are our own, and those of a gateway that is ours.
 */
class LeanHeaders {
  readonly #values = new Map<string, string>();

  constructor(init?: Readonly<Record<string, string>> | Iterable<readonly [string, string]>) {
    if (init === undefined) return;
    const entries = Symbol.iterator in init ? init : Object.entries(init);
    for (const [name, value] of entries as Iterable<readonly [string, string]>) this.append(name, value);
  }

  append(name: string, value: string): void {
    const before = this.get(name);
    const added = String(value).trim();
    this.#values.set(name.toLowerCase(), before === null ? added : `${before}, ${added}`);
  }

  delete(name: string): void {
    this.#values.delete(name.toLowerCase());
  }

  get(name: string): string | null {
    return this.#values.get(name.toLowerCase()) ?? null;
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase());
  }

  set(name: string, value: string): void {
    this.#values.set(name.toLowerCase(), String(value).trim());
  }

  forEach(callback: (value: string, name: string) => void): void {
    for (const [name, value] of this) callback(value, name);
  }

  /** In the order of their names. */
  *[Symbol.iterator](): Iterator<[string, string]> {
    for (const name of [...this.#values.keys()].sort()) yield [name, this.#values.get(name) ?? ''];
  }
}

export { LeanHeaders as Headers };
