// Loaded by `node --import`: sources run on Node.js 22, which knows no `using`, as the build makes them for it. The tests, and
// they alone, use AsyncDisposableStack, which it has not either; `test/types.test.ts` keeps it out of src/.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';

/** Only ours: a module of somebody else runs as Node.js runs it. */
const ours = new URL('..', import.meta.url).href;

registerHooks({
  load(url, context, next) {
    if (!url.startsWith(ours) || !url.endsWith('.ts')) return next(url, context);
    const { code } = transformSync(readFileSync(fileURLToPath(url), 'utf8'), {
      loader: 'ts',
      target: 'node22',
      sourcemap: 'inline',
      sourcefile: fileURLToPath(url),
    });
    return { format: 'module', source: code, shortCircuit: true };
  },
});

/** As much of it as the tests use. */
class OlderAsyncDisposableStack implements AsyncDisposable {
  readonly #ends: (() => unknown)[] = [];

  use<T extends AsyncDisposable>(resource: T): T {
    this.defer(() => resource[Symbol.asyncDispose]());
    return resource;
  }

  defer(end: () => unknown): void {
    this.#ends.push(end);
  }

  disposeAsync(): Promise<void> {
    return this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end();
  }
}
Object.assign(globalThis, { AsyncDisposableStack: OlderAsyncDisposableStack });
