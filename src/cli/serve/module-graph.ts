import * as nodeModule from 'node:module';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { MessageChannel } from 'node:worker_threads';

type Seen = (file: string) => void;

/**
 * Calls `seen` with the path of every file outside node_modules that is imported or required from now on, also of
 * one that is asked for and not there: it may come. Returns a function that reports what only CommonJS knows of.
 */
export function followImports(seen: Seen): () => void {
  const report = (url: string) => {
    if (url.startsWith('file:') && !url.includes('/node_modules/')) seen(fileURLToPath(url));
  };
  // Since Node.js 22.15. The fallback goes through a thread and does not see what CommonJS requires.
  if ('registerHooks' in nodeModule) {
    nodeModule.registerHooks({
      resolve(specifier, context, next) {
        reportAsked(specifier, context.parentURL, report);
        const resolved = next(specifier, context);
        report(resolved.url);
        return resolved;
      },
    });
  } else {
    followInThread(report);
  }
  const { cache } = createRequire(import.meta.url);
  return () => {
    for (const file of Object.keys(cache)) if (!/[\\/]node_modules[\\/]/.test(file)) seen(file);
  };
}

function reportAsked(specifier: string, parent: string | undefined, report: (url: string) => void): void {
  if (parent?.startsWith('file:') && /^\.{1,2}\//.test(specifier)) report(new URL(specifier, parent).href);
}

/** Runs in the thread of the module loader, and so has to be a text. */
const loader = `
  let port;
  export const initialize = (given) => { port = given.port; };
  export async function resolve(specifier, context, next) {
    if (context.parentURL?.startsWith('file:') && /^\\.{1,2}\\//.test(specifier))
      port.postMessage(new URL(specifier, context.parentURL).href);
    const resolved = await next(specifier, context);
    port.postMessage(resolved.url);
    return resolved;
  }`;

function followInThread(report: (url: string) => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.on('message', report);
  port1.unref();
  const address = `data:text/javascript,${encodeURIComponent(loader)}`;
  nodeModule.register(address, { data: { port: port2 }, transferList: [port2] });
}
