import type { ServerConfig } from './server-config.ts';

/**
 * Two configurations are one and the same if, and only if, these texts are: then what was made for the one serves the
 * other. It holds what they hold, secrets included: never to be shown, logged or kept.
 */
export function identityOf(config: ServerConfig): string {
  return JSON.stringify(config, (_key, part: unknown) =>
    // In whatever order its keys were written.
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  );
}
